// A service behind forward-auth: who calls by the identity headers, and by the token itself.
// Nothing but the standard library of Go 1.19 or later.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Caller is what the proxy says; believe it only behind the proxy.
type Caller struct {
	Subject string   `json:"subject"`
	Roles   []string `json:"roles"`
	Scope   []string `json:"scope"`
	Session string   `json:"session"`
}

// callerOf reads the identity headers; without a subject it is nobody.
func callerOf(header http.Header) (*Caller, error) {
	subjects := header.Values("X-Auth-Subject")
	if len(subjects) != 1 || subjects[0] == "" {
		return nil, nil
	}
	caller := &Caller{Roles: []string{}, Scope: strings.Fields(header.Get("X-Auth-Scope"))}
	var err error
	if caller.Subject, err = url.PathUnescape(subjects[0]); err != nil {
		return nil, err
	}
	if caller.Session, err = url.PathUnescape(header.Get("X-Auth-Session")); err != nil {
		return nil, err
	}
	for _, encoded := range strings.Split(header.Get("X-Auth-Roles"), ",") {
		role, err := url.PathUnescape(encoded)
		if err != nil {
			return nil, err
		}
		if role != "" {
			caller.Roles = append(caller.Roles, role)
		}
	}
	return caller, nil
}

func main() {
	verifier := NewVerifier(os.Getenv("ISSUER"), os.Getenv("AUDIENCE"))
	http.HandleFunc("/orders/caller", func(w http.ResponseWriter, r *http.Request) {
		caller, err := callerOf(r.Header)
		if caller == nil || err != nil {
			answer(w, http.StatusUnauthorized, nil)
			return
		}
		answer(w, http.StatusOK, caller)
	})
	http.HandleFunc("/orders/claims", func(w http.ResponseWriter, r *http.Request) {
		claims, err := verifier.Verify(r.Header.Values("Authorization"))
		switch {
		case errors.Is(err, ErrNoKeys):
			answer(w, http.StatusServiceUnavailable, nil)
		case err != nil:
			answer(w, http.StatusUnauthorized, nil)
		default:
			answer(w, http.StatusOK, Caller{Subject: claims.Subject})
		}
	})
	// On loopback, where only the proxy of this machine comes from.
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func answer(w http.ResponseWriter, status int, body interface{}) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}
