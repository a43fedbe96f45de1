#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The API does what its document says: uploads, videos, progress, files, refusals."""
import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
import time

import serving
from serving import harness

OPEN_ROUTES = {("get", "/healthz"), ("get", "/openapi.json"), ("post", "/v1/session")}


class Document(serving.ServerCase):
    def document(self):
        status, document = self.server.json("GET", "/openapi.json")
        self.assertEqual(status, 200)
        return document

    def test_every_path_of_the_document_is_there(self):
        """And answers with a status and a form that the document names."""
        document = self.document()
        self.assertEqual(document["openapi"], "3.1.0")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                real = path.replace("{id}", "video-0")
                status, _, data = self.server.ask(method.upper(), real)
                self.assertIn(str(status), operation["responses"], (method, path, data))
                self.assertNotIn(status, (405, 500), (method, path, data))
                if status >= 400:
                    self.assertEqual(set(json.loads(data)["error"]), {"code", "message"})
                self.assertEqual((method, path) in OPEN_ROUTES,
                                 operation.get("security") == [], (method, path))

    def test_other_methods_and_paths_are_refused(self):
        document = self.document()
        for path, methods in document["paths"].items():
            for method in {"get", "post", "put", "patch", "delete"} - set(methods):
                answer = self.server.ask(method.upper(), path.replace("{id}", "video-0"))
                self.refused_as(answer, 405, "method_not_allowed")
        for path in ("/index.html", "/page", "/v1", "/v1/", "/v1/videos/", "/v2/models", "/v1/models/x"):
            self.refused_as(self.server.ask("GET", path), 404, "missing")

    def test_the_references_of_the_document_lead_somewhere(self):
        document = self.document()
        names = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))
        self.assertGreater(len(names), 20)
        self.assertEqual(set(names) - set(document["components"]["schemas"]), set())

    def test_options_are_those_of_the_command(self):
        """Every option of generate but those that name files, with its range."""
        help_text = subprocess.run([harness.SYNCTALK, "help", "generate"], check=True,
                                   capture_output=True, text=True).stdout
        options = self.document()["components"]["schemas"]["VideoRequest"]["properties"]
        for name in ("model", "mode", "start-frame", "loop-back", "crf", "vad-threshold", "face"):
            self.assertIn(f"--{name}" if name != "loop-back" else "--[no-]loop-back", help_text)
            self.assertIn(name, options)
        for name in ("root", "models", "features", "edl", "vad-plot", "overwrite", "detector"):
            self.assertNotIn(name, options)
        self.assertEqual((options["crf"]["minimum"], options["crf"]["maximum"]), (0, 51))


class Schemas(serving.ServerCase):
    """Answers have the fields that the document promises. (A part of JSON Schema suffices.)"""

    def check(self, value, schema, where):
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None),
                 "number": (int, float), "boolean": bool}
        allowed = schema.get("type", [])
        allowed = [allowed] if isinstance(allowed, str) else allowed
        if allowed:
            self.assertTrue(any(isinstance(value, kinds[a]) for a in allowed), (where, value))
        if "enum" in schema:
            self.assertIn(value, schema["enum"], where)
        if isinstance(value, dict):
            for name in schema.get("required", []):
                self.assertIn(name, value, where)
            for name, inner in schema.get("properties", {}).items():
                if name in value:
                    self.check(value[name], inner, f"{where}.{name}")
        for item in value if isinstance(value, list) else []:
            self.check(item, schema.get("items", {}), f"{where}[]")

    def test_answers(self):
        document = self.server.json("GET", "/openapi.json")[1]
        self.schemas = document["components"]["schemas"]
        upload = self.server.upload(self.sound)
        status, video = self.server.json("POST", "/v1/videos",
                                         {"model": "demo", "audio": upload["id"]})
        self.assertEqual(status, 202, video)
        answers = {"Upload": upload, "Video": video,
                   "Models": self.server.json("GET", "/v1/models")[1],
                   "Videos": self.server.json("GET", "/v1/videos")[1],
                   "Health": self.server.json("GET", "/healthz")[1],
                   "Error": self.server.json("GET", "/nothing")[1]}
        for name, value in answers.items():
            self.check(value, {"$ref": f"#/components/schemas/{name}"}, name)
        self.check(self.server.wait(video["id"]), {"$ref": "#/components/schemas/Video"}, "made")


class Uploads(serving.ServerCase):
    def stored(self):
        return sorted(p.name for p in (self.server.state / "uploads").iterdir())

    def test_the_same_content_is_stored_once(self):
        first = self.server.upload(self.sound, "a.wav")
        second = self.server.upload(self.sound, "b.wav")
        self.assertEqual(first["sha256"], hashlib.sha256(self.sound).hexdigest())
        self.assertEqual(first["sha256"], second["sha256"])
        self.assertNotEqual(first["id"], second["id"])
        self.assertEqual(self.stored().count(first["sha256"]), 1)
        self.assertEqual(self.server.ask("DELETE", f"/v1/uploads/{first['id']}")[0], 204)
        self.assertIn(first["sha256"], self.stored())
        self.assertEqual(self.server.ask("DELETE", f"/v1/uploads/{second['id']}")[0], 204)
        self.assertNotIn(first["sha256"], self.stored())

    def test_goes_on_where_it_stopped(self):
        data = bytes(range(256)) * 1000
        status, _, answer = self.server.ask("POST", "/v1/uploads?name=x.bin", b"",
                                            {"Upload-Length": str(len(data))})
        upload = json.loads(answer)
        self.assertEqual((status, upload["offset"], upload["complete"]), (201, 0, False))
        path = f"/v1/uploads/{upload['id']}"
        for begin, end in ((0, 1), (1, 100000), (100000, len(data))):
            self.assertEqual(self.server.json("GET", path)[1]["offset"], begin)
            wrong = self.server.ask("PATCH", path, data[:5], {"Upload-Offset": str(begin + 7)})
            self.refused_as(wrong, 409, "exists", f"{begin} bytes")
            status, _, answer = self.server.ask("PATCH", path, data[begin:end],
                                                {"Upload-Offset": str(begin)})
            self.assertEqual(status, 200, answer)
        whole = json.loads(answer)
        self.assertTrue(whole["complete"])
        self.assertEqual(whole["sha256"], hashlib.sha256(data).hexdigest())
        self.refused_as(self.server.ask("PATCH", path, b"x", {"Upload-Offset": "256000"}), 409,
                        "exists", "all of it")

    def test_a_connection_that_breaks_loses_nothing(self):
        data = b"0123456789" * 50000
        _, _, answer = self.server.ask("POST", "/v1/uploads", b"",
                                       {"Upload-Length": str(len(data))})
        path = f"/v1/uploads/{json.loads(answer)['id']}"
        head = (f"PATCH {path} HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: 0\r\n"
                f"Content-Length: {len(data)}\r\n\r\n").encode()
        self.server.raw(head + data[:123456])
        offset = self.server.json("GET", path)[1]["offset"]
        self.assertTrue(0 <= offset <= 123456, offset)
        status, _, answer = self.server.ask("PATCH", path, data[offset:],
                                            {"Upload-Offset": str(offset)})
        self.assertEqual(status, 200, answer)
        self.assertEqual(json.loads(answer)["sha256"], hashlib.sha256(data).hexdigest())

    def test_more_than_announced_is_refused(self):
        _, _, answer = self.server.ask("POST", "/v1/uploads", b"", {"Upload-Length": "5"})
        path = f"/v1/uploads/{json.loads(answer)['id']}"
        self.refused_as(self.server.ask("PATCH", path, b"123456", {"Upload-Offset": "0"}), 413,
                        "too_large", "5 bytes")

    def test_names_are_shown_and_no_more(self):
        for name, shown in (("..%2f..%2fetc%2fpasswd", "passwd"), ("a%00b.wav", "a"),
                            ("%ff%0d%0aX.wav", "???X.wav"), ("%C3%A4.wav", "ä.wav"), ("", "file")):
            status, _, answer = self.server.ask("POST", f"/v1/uploads?name={name}", b"x" + name.encode())
            self.assertEqual((status, json.loads(answer)["name"]), (201, shown))


class Videos(serving.ServerCase):
    def add(self, **settings):
        status, video = self.server.form({**serving.QUICK, **settings},
                                         [("audio", "hello.wav", self.sound)])
        self.assertEqual(status, 202, video)
        return video

    def test_a_video_is_made(self):
        """Told from its beginning to its end, with the bytes that the command makes."""
        video = self.add()
        self.assertEqual(video["audio"]["name"], "hello.wav")
        connection = self.server.connection()
        connection.request("GET", f"/v1/videos/{video['id']}/events")
        answer = connection.getresponse()
        self.assertEqual(answer.headers["Content-Type"], "text/event-stream")
        told = list(serving.events(answer))
        connection.close()
        percents = [value["progress"]["percent"] for _, value in told]
        self.assertEqual(percents, sorted(percents))
        self.assertEqual([name for name, _ in told[:-1]], ["progress"] * (len(told) - 1))
        name, last = told[-1]
        self.assertEqual((name, last["state"], percents[-1]), ("end", "completed", 100))
        self.assertEqual(last["result"]["frames"], 10)

        status, headers, content = self.server.ask("GET", last["links"]["content"])
        self.assertEqual((status, headers["Content-Type"]), (200, "video/mp4"))
        (self.dir / "hello.wav").write_bytes(self.sound)
        self.good("generate", *self.person, "--preset", "fast", "--audio", "hello.wav", "-o",
                  "o.mp4")
        self.assertEqual(content, (self.dir / "o.mp4").read_bytes())
        self.assertEqual(last["result"]["bytes"], len(content))

        self.check_ranges(last["links"]["content"], content, headers["ETag"])
        self.assertEqual(self.server.ask("DELETE", f"/v1/videos/{video['id']}")[0], 204)
        self.refused_as(self.server.ask("GET", last["links"]["content"]), 404, "missing")
        self.assertEqual(list((self.server.state / "videos").glob(f"*{video['id']}*")), [])

    def check_ranges(self, path, content, etag):
        size = len(content)
        for said, first, end in (("bytes=0-99", 0, 100), ("bytes=100-", 100, size),
                                 ("bytes=-7", size - 7, size), (f"bytes=5-{size * 9}", 5, size),
                                 ("bytes=-99999999999999999999", 0, size)):
            status, headers, part = self.server.ask("GET", path, headers={"Range": said})
            self.assertEqual((status, part), (206, content[first:end]), said)
            self.assertEqual(headers["Content-Range"], f"bytes {first}-{end - 1}/{size}")
        for said in ("bytes=0-1,3-4", "pages=1-2", "bytes=5-4", "bytes=x", "bytes=", "bytes=-",
                     "bytes=0-1;", "bytes=--1", "bytes=1 - 2"):
            status, _, part = self.server.ask("GET", path, headers={"Range": said})
            self.assertEqual((status, part), (200, content), said)
        for said in (f"bytes={size}-", "bytes=-0", "bytes=99999999999999999999-"):
            answer = self.server.ask("GET", path, headers={"Range": said})
            self.refused_as(answer, 416, "range_not_satisfiable")
            self.assertEqual(answer[1]["Content-Range"], f"bytes */{size}")
        status, _, part = self.server.ask("GET", path, headers={"Range": "bytes=0-1",
                                                                "If-Range": '"other"'})
        self.assertEqual((status, part), (200, content))
        self.assertEqual(self.server.ask("GET", path, headers={"If-None-Match": etag})[0], 304)
        status, headers, body = self.server.ask("HEAD", path)
        self.assertEqual((status, headers["Content-Length"], body), (200, str(size), b""))

    def test_clips_come_with_edit_list_and_plot(self):
        video = self.add(mode="clips", vad="builtin")
        last = self.server.wait(video["id"])
        self.assertEqual(last["state"], "completed", last)
        status, _, data = self.server.ask("GET", last["links"]["edit_list"])
        self.assertEqual(status, 200)
        self.assertIn("clips", data.decode())
        self.assertNotIn(str(self.server.state), data.decode())
        if "speech_plot" in last["links"]:  # a build with charts
            status, _, data = self.server.ask("GET", last["links"]["speech_plot"])
            # As the command draws it, of a file with the name that the client gave.
            (self.dir / "hello.wav").write_bytes(self.sound)
            self.good("generate", *self.person, "--preset", "fast", "--mode", "clips", "--vad",
                      "builtin", "--audio", "hello.wav", "--vad-plot", "p.png", "-o", "o.mp4")
            self.assertEqual((status, data), (200, (self.dir / "p.png").read_bytes()))

    def test_a_key_asks_once(self):
        upload = self.server.upload(self.sound)
        ask = {"model": "demo", "audio": upload["id"]}
        first = self.server.json("POST", "/v1/videos", ask, {"Idempotency-Key": "k1"})
        again = self.server.json("POST", "/v1/videos", ask, {"Idempotency-Key": "k1"})
        other = self.server.json("POST", "/v1/videos", ask, {"Idempotency-Key": "k2"})
        self.assertEqual((first[0], again[0], other[0]), (202, 200, 202))
        self.assertEqual(first[1]["id"], again[1]["id"])
        self.assertNotEqual(first[1]["id"], other[1]["id"])

    def test_a_file_that_is_no_sound_fails_as_on_the_command_line(self):
        (self.dir / "no.wav").write_bytes(b"this is no sound at all" * 10)
        said = self.refused(1, "generate", *self.person, "--audio", "no.wav", "-o", "o.mp4",
                            says="no.wav").strip().splitlines()[-1]
        status, video = self.server.form({"model": "demo"},
                                         [("audio", "no.wav", b"this is no sound at all" * 10)])
        self.assertEqual(status, 202)
        last = self.server.wait(video["id"])
        self.assertEqual((last["state"], last["error"]["code"]), ("failed", "bad_file"))
        self.assertTrue(said.endswith(last["error"]["message"]), (said, last["error"]))

    def test_settings_are_refused_as_on_the_command_line(self):
        for settings in ({"crf": "99"}, {"mode": "dance"}, {"mode": "video"},
                         {"start-frame": "-1"}, {"mode": "clips", "loop-back": "1"},
                         {"vad-threshold": "2"}, {"face": "x"}):
            options = [w for k, v in settings.items()
                       for w in ([f"--{k}"] if k == "loop-back" else [f"--{k}", v])]
            said = self.run_command("generate", *self.person, "--audio", "a.wav",
                                    *options).stderr.strip().splitlines()[-1]
            status, answer = self.server.form({"model": "demo", **settings},
                                              [("audio", "a.wav", self.sound)])
            self.assertEqual((status, answer["error"]["code"]), (400, "invalid_argument"), answer)
            sentence = answer["error"]["message"]
            self.assertTrue(said.endswith(sentence), (said, sentence))

    def test_other_refusals(self):
        sound = [("audio", "a.wav", self.sound)]
        for fields, files, status, code, says in (
                ({"model": "nobody"}, sound, 404, "missing", "nobody: no such person"),
                ({"model": "../demo"}, sound, 404, "missing", "no such person"),
                ({}, sound, 400, "invalid_argument", "no person"),
                ({"model": "demo"}, [], 400, "invalid_argument", "no sound"),
                ({"model": "demo", "root": "/"}, sound, 400, "invalid_argument", "root"),
                ({"model": "demo", "nonsense": "1"}, sound, 400, "invalid_argument", "nonsense"),
                ({"model": "demo", "max-seconds": "999999"}, sound, 400, "invalid_argument",
                 "max-seconds"),
                ({"model": "demo", "audio": "/etc/passwd"}, [], 400, "invalid_argument", "audio"),
                ({"model": "demo", "audio": "upload-0"}, [], 404, "missing", "no such upload")):
            self.refused_as(self.server.form(fields, files), status, code, says)
        self.refused_as(self.server.ask("POST", "/v1/videos", b"x", {"Content-Type": "text/plain"}),
                        415, "bad_media_type")

    def test_uploads_of_a_refused_form_are_gone(self):
        rare = serving.sound(0.1) + b"never seen before"
        self.refused_as(self.server.form({"model": "demo", "crf": "99"},
                                         [("audio", "a.wav", rare)]), 400, "invalid_argument")
        self.assertFalse((self.server.state / "uploads" / hashlib.sha256(rare).hexdigest())
                         .exists())

    def test_pages(self):
        upload = self.server.upload(self.sound)
        made = [self.server.json("POST", "/v1/videos", {"model": "demo", "audio": upload["id"]})[1]
                for _ in range(5)]
        seen, before = [], ""
        while True:
            status, page = self.server.json("GET", f"/v1/videos?limit=2{before}")
            self.assertEqual(status, 200)
            seen += [v["id"] for v in page["videos"]]
            if page["next_before"] is None:
                break
            before = f"&before={page['next_before']}"
        self.assertEqual(seen[:5], [v["id"] for v in reversed(made)])
        self.assertEqual(len(seen), len(set(seen)))
        self.refused_as(self.server.ask("GET", "/v1/videos?limit=0"), 400, "invalid_argument")
        self.refused_as(self.server.ask("GET", "/v1/videos?state=lost"), 400, "invalid_argument")
        for video in made:
            self.server.ask("DELETE", f"/v1/videos/{video['id']}")


class Anew(serving.ServerCase):
    """A person whose files change while the server has it loaded."""

    @classmethod
    def start(cls, state, *more):
        cls.root = cls.folder / "root"
        shutil.copytree(cls.demo, cls.root)
        return serving.Server(cls.root, state, *more)

    def make(self, **settings):
        video = self.server.form({**serving.QUICK, **settings}, [("audio", "a", self.sound)])[1]
        return self.server.wait(video["id"])

    def test_a_checkpoint_that_is_newer_is_taken(self):
        """A server went on with the one that it had loaded, though "latest" was asked for."""
        self.assertEqual(self.make()["state"], "completed")
        newer = self.root / "checkpoint" / "demo" / "7.safetensors"
        newer.write_bytes(b"no checkpoint, as is told of it once it is opened")
        self.assertEqual(self.make()["state"], "failed")
        shutil.copy(newer.with_name("0.safetensors"), newer)  # into the same file
        self.assertEqual(self.make()["state"], "completed")

    def test_frames_that_are_new_are_seen(self):
        dataset = self.root / "dataset" / "demo"
        count = len(list((dataset / "full_body_img").iterdir()))
        self.assertEqual(self.make()["state"], "completed")
        self.assertEqual(self.make(**{"start-frame": str(count)})["state"], "failed")
        for folder in ("full_body_img", "landmarks"):
            last, = (dataset / folder).glob(f"{count - 1}.*")
            shutil.copy(last, last.with_stem(str(count)))
        last = self.make(**{"start-frame": str(count)})
        self.assertEqual(last["state"], "completed", last)


class Queue(serving.ServerCase):
    options = ("--max-queue", "3")

    def test_places_cancelling_and_the_end_of_the_queue(self):
        """A long sound is in work while others wait; one leaves, and those behind it move up."""
        upload = self.server.upload(serving.sound(60))
        ask = {"model": "demo", "audio": upload["id"]}
        videos = [self.server.json("POST", "/v1/videos", ask)[1]]
        self.server.wait(videos[0]["id"], "in_progress")
        for place in (1, 2, 3):
            status, video = self.server.json("POST", "/v1/videos", ask)
            self.assertEqual((status, video["queue_place"]), (202, place))
            videos.append(video)
        self.refused_as(self.server.json("POST", "/v1/videos", ask), 429, "queue_full", "wait")

        moved = []
        connection = self.server.connection()
        connection.request("GET", f"/v1/videos/{videos[3]['id']}/events")
        answer = connection.getresponse()
        reader = threading.Thread(target=lambda: moved.extend(serving.events(answer)))
        reader.start()
        status, video = self.server.json("POST", f"/v1/videos/{videos[1]['id']}/cancel")
        self.assertEqual((status, video["state"]), (200, "cancelled"))
        self.assertEqual(self.server.video(videos[3]["id"])["queue_place"], 2)
        until = time.monotonic() + serving.LIMIT
        while 2 not in [value["queue_place"] for _, value in moved]:  # and it is told
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)
        self.refused_as(self.server.json("POST", f"/v1/videos/{videos[1]['id']}/cancel"), 409,
                        "exists", "cancelled")
        status, video = self.server.json("POST", f"/v1/videos/{videos[0]['id']}/cancel")
        self.assertEqual((status, video["state"]), (200, "cancelled"))
        self.server.wait(videos[2]["id"], "in_progress")
        for video in videos[2:]:
            self.server.json("POST", f"/v1/videos/{video['id']}/cancel")
        reader.join(serving.LIMIT)
        connection.close()
        places = [value["queue_place"] for _, value in moved]
        self.assertIn(2, places)
        self.assertEqual(moved[-1][1]["state"], "cancelled")
        self.assertEqual(list((self.server.state / "videos").glob("video-*")), [])
        self.refused_as(self.server.ask("GET", f"/v1/videos/{videos[0]['id']}/content"), 409,
                        "not_completed")


class Token(serving.ServerCase):
    options = ("--token", "the secret")

    def test_the_token_opens(self):
        self.refused_as(self.server.ask("GET", "/v1/models"), 401, "unauthorized")
        for said in ("Bearer wrong", "Bearer the secre", "Basic the secret", "Bearer "):
            self.refused_as(self.server.ask("GET", "/v1/models", headers={"Authorization": said}),
                            401, "unauthorized")
        right = {"Authorization": "Bearer the secret"}
        self.assertEqual(self.server.ask("GET", "/v1/models", headers=right)[0], 200)
        self.assertEqual(self.server.ask("GET", "/healthz")[0], 200)

    def test_a_cookie_stands_for_it(self):
        self.refused_as(self.server.json("POST", "/v1/session", {"token": "no"}), 401,
                        "unauthorized")
        status, headers, _ = self.server.ask("POST", "/v1/session", '{"token": "the secret"}',
                                             {"Content-Type": "application/json"})
        self.assertEqual(status, 204)
        cookie = headers["Set-Cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Strict", cookie)
        self.assertNotIn("secret", cookie)
        cookie = cookie.split(";")[0]
        self.assertEqual(self.server.ask("GET", "/v1/models", headers={"Cookie": cookie})[0], 200)
        self.refused_as(self.server.ask("GET", "/v1/models", headers={"Cookie": cookie[:-1] + "_"}),
                        401, "unauthorized")

    def test_behind_a_proxy(self):
        """That hands on Host, or in whose place a browser says that the page is the server's."""
        word = {"Authorization": "Bearer the secret", "Origin": "https://talk.example"}
        for more, status in (({"Host": "talk.example"}, 201), ({"Host": "localhost"}, 403),
                             ({"Host": "localhost", "Sec-Fetch-Site": "same-origin"}, 201),
                             ({"Host": "localhost", "Sec-Fetch-Site": "same-site"}, 403),
                             ({"Host": "localhost", "Sec-Fetch-Site": "cross-site"}, 403)):
            self.assertEqual(self.server.ask("POST", "/v1/uploads", b"x", {**word, **more})[0],
                             status, more)
        # It is no token.
        answer = self.server.ask("POST", "/v1/uploads", b"x", {"Sec-Fetch-Site": "same-origin",
                                                               "Origin": "https://talk.example"})
        self.assertEqual(answer[0], 401)

    def test_uploads_need_it_before_their_bytes(self):
        self.refused_as(self.server.ask("POST", "/v1/uploads", self.sound), 401, "unauthorized")
        self.assertEqual(list((self.server.state / "incoming").iterdir()), [])


class Empty(serving.ServerCase):
    """A project in which nobody was trained yet."""

    @classmethod
    def start(cls, state, *more):
        root = cls.folder / "project"
        root.mkdir(exist_ok=True)
        return serving.Server(root, state, *more)

    def test_nobody_is_there(self):
        status, told = self.server.json("GET", "/v1/models")
        self.assertEqual((status, told["models"]), (200, []))
        self.assertIs(told["speech"], shutil.which("espeak-ng") is not None)
        answer = self.server.form({"model": "demo"}, [("audio", "a.wav", self.sound)])
        self.refused_as(answer, 404, "missing", "there are: none")
        self.assertNotIn(str(self.folder), answer[1]["error"]["message"])


class Starting(serving.ServerCase):
    def test_two_servers_do_not_share_a_state(self):
        done = self.run_command("serve", "--root", self.demo, "--state", self.server.state,
                                "--port", "0")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("another server is at work", done.stderr)

    def test_an_open_address_needs_a_token(self):
        done = self.run_command("serve", "--root", self.demo, "--state", "s", "--address",
                                "0.0.0.0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("a token is needed", done.stderr)
        self.assertEqual(self.files(), [])

    def test_metrics(self):
        status, headers, data = self.server.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("version=0.0.4", headers["Content-Type"])
        for line in data.decode().splitlines():
            self.assertRegex(line, r'^(# TYPE \w+ (gauge|counter)|\w+(\{\w+="\w+"\})? \d+)$')

    def test_answers_do_not_let_a_browser_do_more(self):
        for path in ("/v1/models", "/nothing", "/healthz"):
            headers = self.server.ask("GET", path, headers={"Origin": "http://evil.example"})[1]
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            self.assertIsNone(headers["Access-Control-Allow-Origin"])

    def test_other_sites_are_refused(self):
        for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"):
            self.refused_as(self.server.ask("GET", "/v1/models", headers={"Host": name}), 403,
                            "forbidden")
        for name in ("localhost", "127.0.0.1:9", "[::1]:80", "LOCALHOST:1"):
            self.assertEqual(self.server.ask("GET", "/v1/models", headers={"Host": name})[0], 200)
        for more in ({}, {"Sec-Fetch-Site": "same-origin"}):  # of a name that leads here
            answer = self.server.ask("POST", "/v1/uploads", b"x",
                                     {"Origin": "http://evil.example", "Host": "localhost", **more})
            for says in ("a page of http://evil.example", "asked as localhost", "Host $http_host",
                         "--token-file"):
                self.refused_as(answer, 403, "forbidden", says)
        self.refused_as(self.server.ask("POST", "/v1/uploads", b"x",
                                        {"Origin": "http://\u00e4" + "a" * 500}), 403, "forbidden")
        own = f"127.0.0.1:{self.server.port}"
        self.assertEqual(self.server.ask("POST", "/v1/uploads", b"x",
                                         {"Origin": f"http://{own}", "Host": own})[0], 201)


if __name__ == "__main__":
    sys.exit(serving.main())
