import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/** A service behind forward-auth: who calls by the identity headers, and by the token itself. */
public final class Service {
  /** What the proxy says; believe it only behind the proxy. */
  record Caller(String subject, List<String> roles, List<String> scope, String session) {}

  /** Reads the identity headers; without a subject it is nobody. */
  static Optional<Caller> callerOf(Headers headers) {
    List<String> subjects = headers.getOrDefault("X-Auth-Subject", List.of());
    if (subjects.size() != 1 || subjects.get(0).isEmpty()) return Optional.empty();
    List<String> roles = split(value(headers, "X-Auth-Roles"), ",").map(Service::decode).toList();
    List<String> scope = split(value(headers, "X-Auth-Scope"), " ").toList();
    String session = decode(value(headers, "X-Auth-Session"));
    return Optional.of(new Caller(decode(subjects.get(0)), roles, scope, session));
  }

  private static String value(Headers headers, String name) {
    return Optional.ofNullable(headers.getFirst(name)).orElse("");
  }

  private static Stream<String> split(String text, String separator) {
    return Stream.of(text.split(separator)).filter(part -> !part.isEmpty());
  }

  /** Percent-encoding alone: to URLDecoder a plus is a space. */
  private static String decode(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  public static void main(String[] arguments) throws IOException {
    Verifier verifier = new Verifier(System.getenv("ISSUER"), System.getenv("AUDIENCE"));
    // On loopback, where only the proxy of this machine comes from.
    int port = Integer.parseInt(System.getenv("PORT"));
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.createContext("/orders/caller", exchange -> answerCaller(exchange));
    server.createContext("/orders/claims", exchange -> answerClaims(exchange, verifier));
    server.start();
  }

  private static void answerCaller(HttpExchange exchange) throws IOException {
    Optional<Caller> caller = callerOf(exchange.getRequestHeaders());
    JsonObject body = new JsonObject();
    caller.ifPresent(
        who -> {
          body.addProperty("subject", who.subject());
          body.add("roles", array(who.roles()));
          body.add("scope", array(who.scope()));
          body.addProperty("session", who.session());
        });
    answer(exchange, caller.isPresent() ? 200 : 401, body);
  }

  private static void answerClaims(HttpExchange exchange, Verifier verifier) throws IOException {
    JsonObject body = new JsonObject();
    try {
      JsonObject claims =
          verifier.verify(
              exchange.getRequestHeaders().getOrDefault("Authorization", List.of()));
      body.add("subject", claims.get("sub"));
      answer(exchange, 200, body);
    } catch (Verifier.NoKeys none) {
      answer(exchange, 503, body);
    } catch (Verifier.Refused refused) {
      answer(exchange, 401, body);
    }
  }

  private static com.google.gson.JsonArray array(List<String> texts) {
    com.google.gson.JsonArray array = new com.google.gson.JsonArray();
    texts.forEach(text -> array.add(new JsonPrimitive(text)));
    return array;
  }

  private static void answer(HttpExchange exchange, int status, JsonObject body)
      throws IOException {
    byte[] octets = body.toString().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, octets.length);
    exchange.getResponseBody().write(octets);
    exchange.close();
  }
}
