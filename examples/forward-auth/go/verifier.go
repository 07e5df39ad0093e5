package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ErrNoKeys says that nobody can tell now; every other error, that the token lets nobody in.
var ErrNoKeys = errors.New("the keys cannot be had")

var errRefused = errors.New("not a valid access token")

const (
	tokenBytesMax  = 8 << 10
	keySetBytesMax = 64 << 10
	keysLive       = 5 * time.Minute
	// Seconds that the clocks of issuer and service may be apart.
	leeway = 5
	// A token that names an unknown key may be signed by a new one, or be made to cost us a fetch.
	fetchAgainAfter = time.Second
)

// Claims of an access token (RFC 9068).
type Claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Expires   float64  `json:"exp"`
	IssuedAt  float64  `json:"iat"`
	NotBefore float64  `json:"nbf"`
	ID        string   `json:"jti"`
	Scope     string   `json:"scope"`
	Roles     []string `json:"roles"`
	Session   string   `json:"sid"`
	// Bound to a key (RFC 9449), which a bearer does not show.
	Bound json.RawMessage `json:"cnf"`
}

// RFC 7519 section 4.1.3: one text, or several.
type audience []string

func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// Verifier keeps the keys of one issuer. Signatures by RS256 and ES256.
type Verifier struct {
	issuer, audience string
	mutex            sync.Mutex
	keys             map[string]crypto.PublicKey
	fetched, tried   time.Time
}

func NewVerifier(issuer, audience string) *Verifier {
	return &Verifier{issuer: issuer, audience: audience}
}

// Verify takes every value of Authorization. NOT checked: whether the token was taken back, and
// whether its roles and scopes are enough.
func (v *Verifier) Verify(authorizations []string) (*Claims, error) {
	if len(authorizations) != 1 || len(authorizations[0]) > tokenBytesMax {
		return nil, errRefused
	}
	scheme, token, _ := strings.Cut(authorizations[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.Count(token, ".") != 2 {
		return nil, errRefused
	}
	parts := strings.Split(token, ".")
	var header struct {
		Algorithm string          `json:"alg"`
		Key       string          `json:"kid"`
		Type      string          `json:"typ"`
		Critical  json.RawMessage `json:"crit"`
	}
	if decode(parts[0], &header) != nil || header.Critical != nil {
		return nil, errRefused
	}
	if !strings.EqualFold(header.Type, "at+jwt") && !strings.EqualFold(header.Type, "application/at+jwt") {
		return nil, errRefused
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return nil, errRefused
	}
	key, err := v.key(header.Key)
	if err != nil {
		return nil, err
	}
	if !isSigned(key, header.Algorithm, parts[0]+"."+parts[1], signature) {
		return nil, errRefused
	}
	var claims Claims
	if decode(parts[1], &claims) != nil || !v.holds(&claims) {
		return nil, errRefused
	}
	return &claims, nil
}

func (v *Verifier) holds(c *Claims) bool {
	now := float64(time.Now().Unix())
	isForUs := false
	for _, name := range c.Audience {
		isForUs = isForUs || name == v.audience
	}
	return c.Issuer == v.issuer && isForUs && c.Subject != "" && c.ID != "" && c.Bound == nil &&
		c.Expires+leeway > now && c.NotBefore <= now+leeway && c.IssuedAt > 0 && c.IssuedAt <= now+leeway
}

// The type of the key says what its signatures are, and the header must say the same.
func isSigned(key crypto.PublicKey, algorithm, input string, signature []byte) bool {
	digest := sha256.Sum256([]byte(input))
	switch key := key.(type) {
	case *rsa.PublicKey:
		return algorithm == "RS256" &&
			rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		if algorithm != "ES256" || len(signature) != 64 {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(key, digest[:], r, s)
	}
	return false
}

func (v *Verifier) key(name string) (crypto.PublicKey, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	now := time.Now()
	_, isKnown := v.keys[name]
	isFresh := now.Sub(v.fetched) < keysLive
	if (!isKnown || !isFresh) && now.Sub(v.tried) > fetchAgainAfter {
		v.tried = now
		if keys, err := fetchKeys(v.issuer + "/.well-known/jwks.json"); err == nil {
			v.keys, v.fetched, isFresh = keys, now, true
		}
	}
	if !isFresh {
		return nil, ErrNoKeys
	}
	if key := v.keys[name]; key != nil {
		return key, nil
	}
	return nil, errRefused
}

var client = &http.Client{
	Timeout: 5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("a redirect")
	},
}

func fetchKeys(address string) (map[string]crypto.PublicKey, error) {
	response, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, keySetBytesMax))
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, ErrNoKeys
	}
	var set struct {
		Keys []struct{ Kid, Kty, Use, Crv, N, E, X, Y string }
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	keys := map[string]crypto.PublicKey{}
	for _, jwk := range set.Keys {
		switch {
		case jwk.Kid == "" || (jwk.Use != "" && jwk.Use != "sig"):
		case jwk.Kty == "RSA":
			key := &rsa.PublicKey{N: number(jwk.N), E: int(number(jwk.E).Int64())}
			if key.N.BitLen() >= 2048 && key.E >= 3 {
				keys[jwk.Kid] = key
			}
		case jwk.Kty == "EC" && jwk.Crv == "P-256":
			key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(jwk.X), Y: number(jwk.Y)}
			if key.Curve.IsOnCurve(key.X, key.Y) {
				keys[jwk.Kid] = key
			}
		}
	}
	return keys, nil
}

func number(text string) *big.Int {
	octets, _ := base64.RawURLEncoding.DecodeString(text)
	return new(big.Int).SetBytes(octets)
}

func decode(part string, into interface{}) error {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
