# SPDX-License-Identifier: Apache-2.0
"""What the tests of the server share: a running server, and requests to it.

Everything is asked over a socket of its own, as a stranger would.
"""
import http.client
import http.server
import json
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
import harness  # noqa: E402

LIMIT = 240  # seconds; only a hang is longer

# A job's settings: nothing is found out about the checkpoint first.
QUICK = {"model": "demo", "preset": "fast", "precision": "f32"}


class Server:
    """`synctalk serve` on a free port. What it prints on stderr is kept in `log`."""

    def __init__(self, root, state, *options, env=None, before=(), **how):
        """`before`: the words of a command that runs it; `how`: see Popen."""
        self.state = pathlib.Path(state)
        self.log_path = self.state.with_suffix(".log")
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*map(str, before), harness.SYNCTALK, "serve", "--root", str(root), "--state", str(state), "--port", "0",
             "--precision", "f32", *map(str, options)], stdout=subprocess.PIPE,
            stderr=self.log_file, text=True, env=harness.clean_environment(**(env or {})), **how)
        line = self.process.stdout.readline().strip()
        if not line.startswith("http://"):
            self.process.wait()
            raise RuntimeError(f"the server did not start: {self.log()}")
        self.port = int(line.rstrip("/").rsplit(":", 1)[1])

    def log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.close()

    def stop(self):
        """As Ctrl-C does; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(LIMIT)
        self.close()
        return code

    def close(self):
        self.process.stdout.close()
        self.log_file.close()

    def connection(self, timeout=LIMIT):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None):
        """(status, header fields, bytes)"""
        connection = self.connection()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def json(self, method, path, value=None, headers=None):
        """(status, value of the answer)"""
        body = None if value is None else json.dumps(value)
        fields = {"Content-Type": "application/json"} if body is not None else {}
        status, _, data = self.ask(method, path, body, {**fields, **(headers or {})})
        return status, json.loads(data) if data else None

    def form(self, fields, files=(), path="/v1/videos", headers=None):
        body, kind = multipart(fields, files)
        status, _, data = self.ask("POST", path, body, {"Content-Type": kind, **(headers or {})})
        return status, json.loads(data)

    def upload(self, data, name="sound.wav"):
        status, _, answer = self.ask("POST", f"/v1/uploads?name={name}", data)
        assert status == 201, answer
        return json.loads(answer)

    def upload_blocks(self, block, count, name):
        """One that is sent block by block."""
        connection = self.connection()
        try:
            connection.request("POST", f"/v1/uploads?name={name}",
                               (block for _ in range(count)),
                               {"Content-Length": str(count * len(block))})
            answer = connection.getresponse()
            data = answer.read()
            assert answer.status == 201, data
            return json.loads(data)
        finally:
            connection.close()

    def metric(self, name):
        """A number of /metrics that stands alone."""
        text = self.ask("GET", "/metrics")[2].decode()
        line, = [w for w in text.splitlines() if w.startswith(f"synctalk_{name} ")]
        return int(line.split()[1])

    def video(self, identity):
        status, video = self.json("GET", f"/v1/videos/{identity}")
        assert status == 200, video
        return video

    def wait(self, identity, *states, limit=LIMIT):
        """The video once it is in one of the states; ended ones, if none are named."""
        states = states or ("completed", "failed", "cancelled")
        until = time.monotonic() + limit
        while time.monotonic() < until:
            video = self.video(identity)
            if video["state"] in states:
                return video
            time.sleep(0.05)
        raise TimeoutError(f"{video} is not {states}\n{self.log()}")

    def raw(self, data, timeout=LIMIT):
        """Bytes sent as they are; all that comes back until the other side closes. It may do so
        before all is sent."""
        got = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as line:
            try:
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
            except (ConnectionError, OSError):
                pass
            try:
                while part := line.recv(65536):
                    got += part
            except ConnectionError:
                pass
        return got


def multipart(fields, files=()):
    """files: (name, file name, bytes). (body, content type)"""
    boundary = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
                     f"{value}\r\n".encode())
    for name, file_name, data in files:
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; '
                     f'filename="{file_name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
                     .encode() + data + b"\r\n")
    return (b"".join(parts) + f"--{boundary}--\r\n".encode(),
            f"multipart/form-data; boundary={boundary}")


def events(answer):
    """(name, value) of each server-sent event of an open answer, until it ends."""
    name, data = "", []
    for line in answer:
        line = line.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data.append(line[6:])
        elif not line and data:
            yield name, json.loads("\n".join(data))
            name, data = "", []


def sound(seconds=0.4):
    """Bytes of a WAV file."""
    path = pathlib.Path(harness.tempfile.mkstemp(suffix=".wav")[1])
    harness.write_wav(path, seconds)
    data = path.read_bytes()
    path.unlink()
    return data


class Receiver:
    """Answers each POST with the next of `answers`, then with the last; keeps what came."""

    def __init__(self, *answers, tls=None, late=0.0, headers=(), body=b""):
        self.got, self.answers = [], list(answers) or [204]
        self.change = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                time.sleep(late)
                with outer.change:
                    outer.got.append((self.path, self.headers, data, time.time()))
                    answer = outer.answers[0] if len(outer.answers) == 1 else outer.answers.pop(0)
                    outer.change.notify_all()
                try:
                    self.send_response(answer)
                    for name, value in headers:
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass

            def do_GET(self):  # what a redirection that is followed would ask for
                self.do_POST()

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, path="/hook?a=1", scheme="http", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.port}{path}"

    def wait(self, count):
        with self.change:
            assert self.change.wait_for(lambda: len(self.got) >= count, LIMIT), self.got
            return self.got[:count]

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class ServerCase(harness.DemoCase):
    """One server for each test class, `self.server`."""

    options = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(harness.tempfile.mkdtemp(prefix="synctalk-server-"))
        cls.prepare()
        cls.server = cls.start(cls.folder / "state")
        cls.sound = sound()

    @classmethod
    def prepare(cls):
        """Before the server starts."""

    @classmethod
    def start(cls, state, *more):
        return Server(cls.demo, state, *cls.options, *more)

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        log = cls.server.log()
        harness.shutil.rmtree(cls.folder, ignore_errors=True)
        assert code == 0, f"the server ended with {code}: {log}"
        assert "Sanitizer" not in log, log

    def refused_as(self, answer, status, code, says=""):
        self.assertEqual(answer[0], status, answer)
        error = answer[-1]
        if isinstance(error, bytes):
            error = json.loads(error)
        self.assertEqual(error["error"]["code"], code, error)
        self.assertIn(says, error["error"]["message"])
        self.assertNotIn(str(self.server.state), error["error"]["message"])
        self.assertNotIn(str(self.demo), error["error"]["message"])


def main():
    harness.main()


