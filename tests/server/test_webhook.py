#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Webhooks: signed, sent again until they are taken, and to no address of a network of its own.

Receivers of this test listen on 127.0.0.1; nothing goes anywhere else.
"""
import base64
import hashlib
import hmac
import json
import socket
import sqlite3
import ssl
import subprocess
import sys
import time

import serving
from serving import harness

SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes or so.").decode()
KEY = b"twenty-four bytes or so."


class HookCase(serving.ServerCase):
    allow = ("--webhook-allow-private",)
    more = ("--webhook-retry-seconds", "1", "--webhook-tries", "3")

    @classmethod
    def prepare(cls):
        secret = cls.folder_for_secrets() / "secret.txt"
        secret.write_text(SECRET + "\n")
        cls.options = ("--webhook-secret-file", secret, *cls.more, *cls.allow)

    @classmethod
    def folder_for_secrets(cls):
        folder = harness.pathlib.Path(harness.tempfile.mkdtemp(prefix="synctalk-hook-"))
        cls.addClassCleanup(harness.shutil.rmtree, folder, ignore_errors=True)
        return folder

    def receiver(self, *answers, **options):
        receiver = serving.Receiver(*answers, **options)
        self.addCleanup(receiver.close)
        return receiver

    def ask(self, url, data=None):
        return self.server.form({**serving.QUICK, "webhook": url},
                                [("audio", "a.wav", data or self.sound)])

    def asked(self, url, data=None):
        status, video = self.ask(url, data)
        self.assertEqual(status, 202, video)
        return video["id"]

    def told(self, identity, *states):
        """What the video says of its webhook once that is in one of `states`."""
        until = time.monotonic() + serving.LIMIT
        while time.monotonic() < until:
            hook = self.server.video(identity)["webhook"]
            if hook["state"] in (states or ("delivered", "failed")):
                return hook
            time.sleep(0.05)
        raise TimeoutError(f"{hook}\n{self.server.log()}")


class Sending(HookCase):
    def test_the_end_is_told_and_signed(self):
        receiver = self.receiver()
        identity = self.asked(receiver.url())
        hook = self.told(identity)
        (path, fields, data, came), = receiver.wait(1)
        self.assertEqual(path, "/hook?a=1")
        self.assertEqual((hook["state"], hook["tries"], hook["answer"], hook["error"]),
                         ("delivered", 1, 204, None))
        self.assertEqual(hook["url"], receiver.url())
        self.assertEqual(fields["Content-Type"], "application/json")
        self.assertEqual(fields["webhook-id"], identity)
        self.assertLess(abs(came - int(fields["webhook-timestamp"])), 60)
        signed = f"{identity}.{fields['webhook-timestamp']}.".encode() + data
        right = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        self.assertEqual(fields["webhook-signature"], f"v1,{right}")
        body = json.loads(data)
        video = self.server.video(identity)
        self.assertEqual(body["type"], "video.completed")
        self.assertEqual(body["timestamp"],
                         time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(video["finished_at"])))
        del video["webhook"]
        self.assertEqual(body["data"], video)

    def test_other_ends_are_told_too(self):
        receiver = self.receiver()
        failed = self.asked(receiver.url(), b"no sound at all" * 20)
        self.told(failed)
        work = self.asked(receiver.url(), serving.sound(60))
        self.server.json("POST", f"/v1/videos/{work}/cancel")
        self.told(work)
        types = {fields["webhook-id"]: json.loads(data)["type"]
                 for _, fields, data, _ in receiver.wait(2)}
        self.assertEqual(types, {failed: "video.failed", work: "video.cancelled"})

    def test_it_is_sent_again_until_it_is_taken(self):
        receiver = self.receiver(500, 503, 200)
        identity = self.asked(receiver.url())
        hook = self.told(identity)
        got = receiver.wait(3)
        self.assertEqual((hook["state"], hook["tries"], hook["answer"]), ("delivered", 3, 200))
        self.assertEqual({fields["webhook-id"] for _, fields, _, _ in got}, {identity})
        self.assertEqual(len({data for _, _, data, _ in got}), 1)
        # The waits are 1 s and 3 s; times are whole seconds, looked at each second.
        waits = [b[3] - a[3] for a, b in zip(got, got[1:])]
        self.assertGreater(waits[0], 0.01)
        self.assertGreater(waits[1], 2)
        self.assertGreater(waits[1], waits[0])

    def test_it_is_given_up_in_the_end(self):
        refused = self.receiver(404)
        gone = self.receiver(410)
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))  # and nobody listens
            nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
            first, second, third = (self.asked(url) for url in
                                    (refused.url(), gone.url(), nobody))
            hook = self.told(first)
            self.assertEqual((hook["state"], hook["tries"], hook["answer"], hook["next_try_at"]),
                             ("failed", 3, 404, None))
            self.assertIn("the receiver answered 404", hook["error"])
            hook = self.told(second)
            self.assertEqual((hook["state"], hook["tries"]), ("failed", 1))
            hook = self.told(third)
            self.assertEqual((hook["state"], hook["tries"], hook["answer"]), ("failed", 3, None))
            self.assertIn("cannot send", hook["error"])
        self.assertEqual((len(refused.got), len(gone.got)), (3, 1))

    def test_redirections_are_not_followed(self):
        there = self.receiver()
        here = self.receiver(302, headers=[("Location", there.url())])
        identity = self.asked(here.url())
        here.wait(1)
        hook = self.told(identity, "waiting")
        self.assertEqual(hook["answer"], 302)
        self.assertIn("redirections are not followed", hook["error"])
        self.assertEqual(there.got, [])

    def test_receivers_that_are_slow_hold_up_nobody(self):
        """One that never answers, and one that answers without end."""
        silent = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.addCleanup(silent.close)
        endless = self.receiver(200, body=b"x" * 5_000_000)
        receiver = self.receiver()
        waiting = [self.asked(f"http://127.0.0.1:{silent.getsockname()[1]}/") for _ in range(4)]
        self.assertEqual(self.told(self.asked(endless.url()))["state"], "delivered")
        self.assertEqual(self.told(self.asked(receiver.url()))["state"], "delivered")
        for identity in waiting:
            self.assertEqual(self.server.video(identity)["state"], "completed")
            self.assertIn(self.server.video(identity)["webhook"]["state"], ("sending", "waiting"))
            self.assertEqual(self.server.ask("DELETE", f"/v1/videos/{identity}")[0], 204)

    def test_it_survives_a_server_that_is_killed(self):
        """Before its end, between two tries, and in the midst of one."""
        receiver = self.receiver(500, 204)
        slow = self.receiver(204, late=2)
        first = self.asked(receiver.url(), serving.sound(4))
        self.server.kill()
        type(self).server = self.start(self.server.state)
        receiver.wait(1)
        self.server.kill()
        type(self).server = self.start(self.server.state)
        second = self.asked(slow.url())
        self.told(second, "sending")
        self.server.kill()
        type(self).server = self.start(self.server.state)
        self.assertEqual(self.told(first)["state"], "delivered")
        hook = self.told(second)
        self.assertEqual((hook["state"], hook["tries"]), ("delivered", 2))
        for got in (receiver.got, slow.got):
            self.assertEqual(len({fields["webhook-id"] for _, fields, _, _ in got}), 1)
        with sqlite3.connect(self.server.state / "synctalk.db") as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])

    def test_an_address_that_is_no_text_hides_no_video(self):
        """An earlier server kept such, and no list with it could be sent any more."""
        identity = self.asked(self.receiver().url())
        self.told(identity)
        self.server.stop()
        with sqlite3.connect(self.server.state / "synctalk.db") as db:
            db.execute("UPDATE deliveries SET url = CAST(x'68ff' AS TEXT) WHERE job = ?",
                       (identity,))
        type(self).server = self.start(self.server.state)
        self.assertEqual(self.server.video(identity)["webhook"]["url"], "?")
        self.assertIn(identity, [v["id"] for v in self.server.json("GET", "/v1/videos")[1]["videos"]])

    def test_a_video_that_is_removed_takes_it_along(self):
        receiver = self.receiver(500)
        identity = self.asked(receiver.url())
        receiver.wait(1)
        self.assertEqual(self.server.ask("DELETE", f"/v1/videos/{identity}")[0], 204)
        time.sleep(2.5)  # past the next try
        self.assertLessEqual(len(receiver.got), 2)
        with sqlite3.connect(self.server.state / "synctalk.db") as db:
            rows = db.execute("SELECT * FROM deliveries WHERE job = ?", (identity,)).fetchall()
            self.assertEqual(rows, [])


class Secure(HookCase):
    """Over TLS, to a receiver whose certificate was signed by a named authority."""

    @classmethod
    def prepare(cls):
        cls.folder_of_keys = cls.folder_for_secrets()
        cls.pem = cls.folder_of_keys / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                        cls.folder_of_keys / "key.pem", "-out", cls.pem, "-days", "2", "-subj",
                        "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                       capture_output=True)
        super().prepare()

    def test_certificates_are_checked(self):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.pem, self.folder_of_keys / "key.pem")
        receiver = self.receiver(tls=tls)
        until = time.monotonic() + serving.LIMIT
        identity = self.asked(receiver.url(scheme="https"))
        while not (hook := self.server.video(identity)["webhook"])["error"]:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        self.assertIn("certificate", hook["error"])
        self.assertEqual(receiver.got, [])
        type(self).server.stop()
        type(self).server = self.start(self.server.state, "--webhook-ca-file", self.pem)
        self.assertEqual(self.told(self.asked(receiver.url(scheme="https")))["state"], "delivered")


class Refusals(HookCase):
    allow = ()

    def test_addresses_that_are_refused_at_once(self):
        receiver = self.receiver()
        for host in ("169.254.169.254", "127.0.0.1", "127.1", "0x7f000001", "0x7f.1", "2130706433",
                     "017700000001", "0.0.0.0", "0", "10.1.2.3", "172.16.0.1", "172.31.255.255",
                     "192.168.1.1", "100.64.0.1", "100.127.255.255", "224.0.0.1", "240.0.0.1",
                     "255.255.255.255", "192.0.0.1", "198.18.0.1", "%31%32%37.0.0.1",
                     "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[fe80::1]",
                     "[fec0::1]", "[fd00::1]", "[ff02::1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]",
                     "[64:ff9b:1::a00:1]", "[2001::1]", "[2001:db8::1]", "[::127.0.0.1]"):
            answer = self.ask(receiver.url(scheme="https", host=host))
            self.refused_as(answer, 400, "invalid_argument", "a network of its own")
        for text, says in (("", "ASCII"), ("http://example.org/", "https://"),
                           ("ftp://example.org/", "https://"), ("file:///etc/passwd", "https://"),
                           ("gopher://example.org/", "https://"), ("example.org", "read"),
                           ("https://", "read"), ("https://example.org:99999/", "read"),
                           ("https://user@example.org/", "a user"),
                           ("https://u:p@example.org/", "a user"),
                           ("https://example.org/\u00e4", "ASCII"), ("https://exa mple.org/", "ASCII"),
                           ("https://a%ff.example/", "ASCII"),
                           ("https://example.org/" + "a" * 2100, "2047")):
            self.refused_as(self.ask(text), 400, "invalid_argument", says)
        upload = self.server.upload(self.sound)
        for value in (None, 7, ["https://example.org"], {}):
            answer = self.server.json("POST", "/v1/videos", {"model": "demo", "webhook": value,
                                                             "audio": upload["id"]})
            self.refused_as(answer, 400, "invalid_argument", "webhook")
        self.assertEqual(self.server.json("GET", "/v1/videos")[1]["videos"], [])
        self.assertEqual(receiver.got, [])

    def test_names_that_lead_inside_are_refused_when_they_are_asked(self):
        """For good, at the first try, without a connection; and without telling what is there."""
        receiver = self.receiver()
        names = ["localhost", "LOCALHOST", "a.localhost"]
        for name in ("ip6-localhost", "ip6-loopback", socket.gethostname()):
            try:
                if all(a[4][0].startswith("127.") or a[4][0] == "::1"
                       for a in socket.getaddrinfo(name, None)):
                    names.append(name)
            except OSError:
                pass
        for name in names:
            hook = self.told(self.asked(receiver.url(scheme="https", host=name)))
            self.assertEqual((hook["state"], hook["tries"], hook["answer"]), ("failed", 1, None),
                             name)
            self.assertIn("a network of its own", hook["error"])
            self.assertNotIn("127.0.0.1", hook["error"])
        self.assertEqual(receiver.got, [])


class Without(serving.ServerCase):
    def test_a_server_without_a_secret_takes_none(self):
        answer = self.server.form({**serving.QUICK, "webhook": "https://example.org/"},
                                  [("audio", "a.wav", self.sound)])
        self.refused_as(answer, 400, "invalid_argument", "--webhook-secret-file")
        self.assertEqual(self.server.form(serving.QUICK, [("audio", "a.wav", self.sound)])[1]
                         ["webhook"], None)

    def test_a_secret_has_to_be_one(self):
        for text, says in (("short", "at least 16"), ("whsec_####", "base64"),
                           ("whsec_", "base64"), ("", "a secret of 1 to")):
            (self.dir / "secret").write_text(text + "\n")
            done = self.run_command("serve", "--root", self.demo, "--state", "s", "--port", "0",
                                    "--webhook-secret-file", "secret")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    sys.exit(serving.main())
