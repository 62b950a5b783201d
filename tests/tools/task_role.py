"""The credentials endpoint of an ECS task: gives the container the keys of its role, and says each time that it did.

Usage: python3 task_role.py CREDENTIALS.json [--listen 127.0.0.1:0] [--path /v2/credentials/task] [--token TOKEN]

The file holds what the endpoint answers: AccessKeyId, SecretAccessKey, Token, Expiration, RoleArn. It is read for each
request, so that a new one takes over at once. With --token the Authorization header must be that text, as the agent
wants it for AWS_CONTAINER_CREDENTIALS_FULL_URI. The first line is `listening on HOST:PORT`; then a line a request.
Needs nothing but Python; binds where it is told.
"""
import argparse
import http.server


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        authorization = self.headers.get("Authorization")
        if self.path != options.path:
            self.answer(404, b'{"code": "NotFound", "message": "no credentials under this path"}')
        elif options.token is not None and authorization != options.token:
            self.answer(401, b'{"code": "AuthorizationTokenInvalid", "message": "wrong or no Authorization"}')
        else:
            with open(options.credentials, "rb") as file:
                self.answer(200, file.read())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        print(f"{self.command} {self.path} from {self.client_address[0]}: {int(code)}", flush=True)

    def log_message(self, format, *args):
        print(format % args, flush=True)


arguments = argparse.ArgumentParser()
arguments.add_argument("credentials")
arguments.add_argument("--listen", default="127.0.0.1:0")
arguments.add_argument("--path", default="/v2/credentials/task")
arguments.add_argument("--token")
options = arguments.parse_args()
host, _, port = options.listen.rpartition(":")
with http.server.ThreadingHTTPServer((host, int(port)), Endpoint) as server:
    print(f"listening on {host}:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
