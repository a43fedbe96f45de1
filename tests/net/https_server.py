# SPDX-License-Identifier: Apache-2.0
"""An HTTPS server on the loopback with a certificate authority of its own, for tests.

What it answers is decided by the first part of the path:
  /file/NAME      the bytes, ranges honoured
  /whole/NAME     the bytes, ranges ignored (always 200)
  /drop/NAME      half of what was asked for, then the connection is closed
  /hang/NAME      half of what was asked for, then silence
  /endless/NAME   without a length, more than any limit
  /to-http/NAME   a redirect to http://
  /to-file/NAME   a redirect to file://
  /moved/NAME     a redirect to /file/NAME
"""
import http.server
import pathlib
import shutil
import ssl
import subprocess
import threading


def missing():
    """What the tests lack, or None."""
    if not shutil.which("openssl"):
        return "no openssl command, which makes the test's certificates"
    return None


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder):
    """ca.pem, server.pem and server.key in `folder`, good for localhost."""
    folder = pathlib.Path(folder)
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority",
            "-days", "2")
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "server.ext")
    return folder / "ca.pem"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def redirect(self, where):
        self.send_response(302)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        server = self.server
        _, kind, name = self.path.split("/", 2)
        server.asked.append((kind, name, self.headers.get("Range")))
        if kind == "to-http":
            return self.redirect(f"http://localhost:{server.server_port}/file/{name}")
        if kind == "to-file":
            return self.redirect("file:///etc/hostname")
        if kind == "moved":
            return self.redirect(f"/file/{name}")
        if kind == "endless":
            return self.endless()
        data = server.contents.get(name)
        if data is None:
            return self.send_error(404)
        return self.give(kind, data)

    def endless(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for _ in range(1000):
                self.wfile.write(bytes(65536))
        except OSError:
            pass
        self.close_connection = True

    def give(self, kind, data):
        first = 0
        wanted = self.headers.get("Range")
        if wanted and kind != "whole":
            first = int(wanted.removeprefix("bytes=").split("-")[0])
            if first >= len(data):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        rest = data[first:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if kind in ("drop", "hang"):
            self.wfile.write(rest[:len(rest) // 2])
            self.wfile.flush()
            if kind == "hang":
                self.server.released.wait(600)  # longer than any test waits
            self.close_connection = True
        else:
            self.wfile.write(rest)
        return None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder, contents):
        super().__init__(("127.0.0.1", 0), Handler)
        self.contents = contents
        self.asked = []
        self.released = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pathlib.Path(folder) / "server.pem",
                                pathlib.Path(folder) / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def handle_error(self, *_):
        pass  # a client that refuses the certificate or hangs up is part of the tests

    def address(self, kind, name):
        return f"https://localhost:{self.server_port}/{kind}/{name}"

    def stop(self):
        self.released.set()
        self.shutdown()
        self.thread.join()
        self.server_close()
