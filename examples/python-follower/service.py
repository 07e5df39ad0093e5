"""A service that says who calls: 200, 401 for a token that is no good, 503 while nobody knows."""

from __future__ import annotations

import json
import logging
import os
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from portcullis_follower import Verdict, Verifier


def make_verifier() -> Verifier:
    client = None
    if path := os.environ.get("FOLLOWER_CLIENT_FILE"):
        with open(path, encoding="utf-8") as file:
            credential = json.load(file)
        client = (credential["client_id"], credential["client_secret"])
    return Verifier(
        os.environ["FOLLOWER_ISSUER"],
        os.environ["FOLLOWER_AUDIENCE"],
        client=client,
        max_staleness_seconds=float(os.environ.get("FOLLOWER_MAX_STALENESS_SECONDS", "30")),
    )


def make_handler(verifier: Verifier) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/health":
                ready = verifier.is_ready()
                self.answer(200 if ready else 503, {"status": "ready" if ready else "not ready"})
                return
            headers = self.headers.get_all("Authorization", [])
            scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
            if scheme.lower() != "bearer" or not token:
                self.answer(401, {"why": "no token"}, {"WWW-Authenticate": "Bearer"})
                return
            self.answer_verdict(verifier.check(token))

        def answer_verdict(self, verdict: Verdict) -> None:
            if verdict.claims is not None:
                self.answer(200, {"sub": verdict.claims["sub"]})
            elif verdict.status == 503:
                self.answer(503, {"why": verdict.why}, {"Retry-After": "1"})
            else:
                challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
                self.answer(401, {"why": verdict.why}, challenge)

        def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
            octets = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_: object) -> None:
            """Requests are not logged: what is asked for is nobody's business here."""

    return Handler


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    verifier = make_verifier()
    verifier.start()
    address = ("127.0.0.1", int(os.environ["FOLLOWER_PORT"]))
    server = ThreadingHTTPServer(address, make_handler(verifier))
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, lambda *_: os._exit(0))
    server.serve_forever()


if __name__ == "__main__":
    main()
