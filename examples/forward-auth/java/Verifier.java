import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Judges access tokens (RFC 9068) of one issuer, signed by RS256 or ES256. Java 17 and Gson. */
final class Verifier {
  /** The token lets nobody in. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1;
  }

  /** Nobody can tell now. */
  static final class NoKeys extends Exception {
    private static final long serialVersionUID = 1;
  }

  private record Key(String algorithm, PublicKey publicKey) {}

  private static final int TOKEN_LENGTH_MAX = 8192;
  private static final int KEY_SET_LENGTH_MAX = 65_536;
  /** That the clocks of issuer and service may be apart. */
  private static final int LEEWAY_SECONDS = 5;

  private static final Duration KEYS_LIVE = Duration.ofMinutes(5);

  /** A token that names an unknown key may be signed by a new one, or be made to cost us a fetch. */
  private static final Duration FETCH_AGAIN_AFTER = Duration.ofSeconds(1);

  private static final Set<String> TYPES = Set.of("at+jwt", "application/at+jwt");

  private final String issuer;
  private final String audience;
  private final HttpClient client =
      HttpClient.newBuilder()
          .connectTimeout(Duration.ofSeconds(2))
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();
  private Map<String, Key> keys = Map.of();
  private Instant fetched = Instant.MIN;
  private Instant tried = Instant.MIN;

  Verifier(String issuer, String audience) {
    this.issuer = issuer;
    this.audience = audience;
  }

  /**
   * Takes every value of Authorization, and answers the claims. NOT checked: whether the token was
   * taken back, and whether its roles and scopes are enough.
   */
  JsonObject verify(List<String> authorizations) throws Refused, NoKeys {
    if (authorizations.size() != 1 || authorizations.get(0).length() > TOKEN_LENGTH_MAX) {
      throw new Refused();
    }
    String value = authorizations.get(0);
    if (!value.regionMatches(true, 0, "Bearer ", 0, 7)) throw new Refused();
    String[] parts = value.substring(7).split("\\.", -1);
    if (parts.length != 3) throw new Refused();
    try {
      JsonObject header = json(parts[0]);
      if (header.has("crit") || !TYPES.contains(text(header, "typ").toLowerCase(Locale.ROOT))) {
        throw new Refused();
      }
      Key key = key(text(header, "kid"));
      String input = parts[0] + "." + parts[1];
      // The key says what its signatures are, and the header must say the same.
      if (!key.algorithm().equals(text(header, "alg"))) throw new Refused();
      if (!isSigned(key, input, octets(parts[2]))) throw new Refused();
      JsonObject claims = json(parts[1]);
      if (!holds(claims)) throw new Refused();
      return claims;
    } catch (GeneralSecurityException | RuntimeException | StackOverflowError malformed) {
      throw new Refused();
    }
  }

  private boolean holds(JsonObject claims) throws Refused {
    long now = Instant.now().getEpochSecond();
    double issued = number(claims, "iat");
    double expires = number(claims, "exp") + LEEWAY_SECONDS;
    boolean isLive = expires > now && issued > 0 && issued <= now + LEEWAY_SECONDS;
    boolean hasBegun = !claims.has("nbf") || number(claims, "nbf") <= now + LEEWAY_SECONDS;
    // RFC 9449: bound to a key, which a bearer does not show.
    if (claims.has("cnf")) return false;
    boolean isWhole = !text(claims, "sub").isEmpty() && !text(claims, "jti").isEmpty();
    return issuer.equals(text(claims, "iss")) && isForUs(claims.get("aud"))
        && isLive && hasBegun && isWhole;
  }

  /** RFC 7519 section 4.1.3: one text, or several. */
  private boolean isForUs(JsonElement named) {
    if (named == null) return false;
    if (!named.isJsonArray()) return isText(named) && named.getAsString().equals(audience);
    boolean isThere = false;
    for (JsonElement one : named.getAsJsonArray()) {
      if (!isText(one)) return false;
      isThere |= one.getAsString().equals(audience);
    }
    return isThere;
  }

  private static boolean isSigned(Key key, String input, byte[] signature)
      throws GeneralSecurityException {
    boolean isRsa = key.algorithm().equals("RS256");
    if (!isRsa && signature.length != 64) return false;
    Signature verification =
        Signature.getInstance(isRsa ? "SHA256withRSA" : "SHA256withECDSAinP1363Format");
    verification.initVerify(key.publicKey());
    verification.update(input.getBytes(StandardCharsets.US_ASCII));
    return verification.verify(signature);
  }

  private synchronized Key key(String name) throws Refused, NoKeys {
    Instant now = Instant.now();
    boolean isFresh = fetched.isAfter(now.minus(KEYS_LIVE));
    boolean isWanted = !isFresh || !keys.containsKey(name);
    if (isWanted && tried.isBefore(now.minus(FETCH_AGAIN_AFTER))) {
      tried = now;
      try {
        keys = fetchKeys();
        fetched = now;
        isFresh = true;
      } catch (Exception unreachable) {
        if (unreachable instanceof InterruptedException) Thread.currentThread().interrupt();
      }
    }
    if (!isFresh) throw new NoKeys();
    Key key = keys.get(name);
    if (key == null) throw new Refused();
    return key;
  }

  private Map<String, Key> fetchKeys() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(issuer + "/.well-known/jwks.json"))
            .timeout(Duration.ofSeconds(5))
            .build();
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200 || response.body().length() > KEY_SET_LENGTH_MAX) {
      throw new NoKeys();
    }
    Map<String, Key> found = new HashMap<>();
    JsonObject set = new Gson().fromJson(response.body(), JsonObject.class);
    for (JsonElement element : set.getAsJsonArray("keys")) {
      JsonObject jwk = element.getAsJsonObject();
      boolean isForSignatures = !jwk.has("use") || jwk.get("use").getAsString().equals("sig");
      String type = text(jwk, "kty");
      if (!isForSignatures) continue;
      if (type.equals("RSA")) {
        var key = new RSAPublicKeySpec(number(text(jwk, "n")), number(text(jwk, "e")));
        if (key.getModulus().bitLength() < 2048) continue;
        PublicKey made = KeyFactory.getInstance("RSA").generatePublic(key);
        found.put(text(jwk, "kid"), new Key("RS256", made));
      } else if (type.equals("EC") && text(jwk, "crv").equals("P-256")) {
        AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
        curve.init(new ECGenParameterSpec("secp256r1"));
        var point = new ECPoint(number(text(jwk, "x")), number(text(jwk, "y")));
        var key = new ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec.class));
        PublicKey made = KeyFactory.getInstance("EC").generatePublic(key);
        found.put(text(jwk, "kid"), new Key("ES256", made));
      }
    }
    return found;
  }

  private static JsonObject json(String part) throws Refused {
    try {
      String text = new String(octets(part), StandardCharsets.UTF_8);
      JsonObject object = new Gson().fromJson(text, JsonObject.class);
      if (object == null) throw new Refused();
      return object;
    } catch (JsonParseException malformed) {
      throw new Refused();
    }
  }

  /** Without padding, and in the one spelling that these octets have. */
  private static byte[] octets(String part) throws Refused {
    byte[] octets = Base64.getUrlDecoder().decode(part);
    String again = Base64.getUrlEncoder().withoutPadding().encodeToString(octets);
    if (!again.equals(part)) throw new Refused();
    return octets;
  }

  private static BigInteger number(String part) throws Refused {
    return new BigInteger(1, octets(part));
  }

  private static double number(JsonObject object, String name) throws Refused {
    JsonElement value = object.get(name);
    if (value == null || !value.isJsonPrimitive() || !value.getAsJsonPrimitive().isNumber()) {
      throw new Refused();
    }
    return value.getAsDouble();
  }

  private static String text(JsonObject object, String name) throws Refused {
    JsonElement value = object.get(name);
    if (value == null || !isText(value)) throw new Refused();
    return value.getAsString();
  }

  private static boolean isText(JsonElement value) {
    return value.isJsonPrimitive() && value.getAsJsonPrimitive().isString();
  }
}
