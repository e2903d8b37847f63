"""A media server with one stream, for tests: WHIP at /whip, WHEP at /whep, made of aiohttp and aiortc and nothing of ours.

It says each thing that happens in one line: what it was asked, and at the end of a session what it decoded."""

import argparse
import asyncio
import fractions
import math

import av
import numpy
from aiohttp import web
from aiortc import AudioStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp

ETAG = '"first"'


def say(line):
    print(line, flush=True)


class Pictures(VideoStreamTrack):
    """A grey that changes with each picture, thirty a second."""

    shown = 0

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        self.shown += 1
        picture = av.VideoFrame.from_ndarray(numpy.full((270, 320), 60 + self.shown % 100, numpy.uint8), "yuv420p")
        picture.pts, picture.time_base = pts, time_base
        return picture


class Tone(AudioStreamTrack):
    """440 Hz."""

    def __init__(self):
        super().__init__()
        self.silence = super().recv

    async def recv(self):
        frame = await self.silence()
        at = frame.pts + numpy.arange(frame.samples)
        wave = (8000 * numpy.sin(2 * math.pi * 440 * at / frame.sample_rate)).astype(numpy.int16)
        tone = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        tone.pts, tone.sample_rate = frame.pts, frame.sample_rate
        tone.time_base = fractions.Fraction(1, frame.sample_rate)
        return tone


class Session:
    """One peer connection, and what was decoded of it."""

    def __init__(self):
        self.connection = RTCPeerConnection()
        self.decoded = {"video": 0, "audio": 0}
        self.tasks = set()
        self.connection.on("track", self.listen)

    def listen(self, track):
        task = asyncio.ensure_future(self.count(track))
        self.tasks.add(task)

    async def count(self, track):
        try:
            while True:
                await track.recv()
                self.decoded[track.kind] += 1
        except MediaStreamError:
            pass

    async def begin(self, offer, plays):
        if plays:
            self.connection.addTrack(Pictures())
            self.connection.addTrack(Tone())
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    async def add(self, fragment):
        candidates = [line[len("a=candidate:"):] for line in fragment.splitlines() if line.startswith("a=candidate:")]
        mid = next(line[len("a=mid:"):] for line in fragment.splitlines() if line.startswith("a=mid:"))
        for text in candidates:
            candidate = candidate_from_sdp(text)
            candidate.sdpMid = mid
            await self.connection.addIceCandidate(candidate)
        return len(candidates)


def directions(sdp):
    """The sections of a description, like "audio sendonly, video sendonly"."""
    sections = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            sections.append([line[2:].split()[0], "sendrecv"])
        elif line in ("a=sendonly", "a=recvonly", "a=inactive") and sections:
            sections[-1][1] = line[2:]
    return ", ".join(" ".join(section) for section in sections)


class Server:
    def __init__(self, options):
        self.options = options
        self.sessions = {}
        self.begun = 0

    def refusal(self, request):
        if request.headers.get("Authorization") != f"Bearer {self.options.token}":
            say(f"refused {request.method}")
            return web.Response(status=401)
        return None

    def links(self, response):
        for link in self.options.link:
            response.headers.add("Link", link)
        return response

    async def asked(self, request):
        return self.refusal(request) or self.links(web.Response(status=204))

    async def moved(self, request):
        return web.Response(status=307, headers={"Location": request.path.replace("/moved", "")})

    async def offered(self, request):
        if refusal := self.refusal(request):
            return refusal
        offer = await request.text()
        assert request.content_type == "application/sdp", request.content_type
        say(f"offer {directions(offer)} with {offer.count('a=candidate:')} candidates")
        self.begun += 1
        session = Session()
        answer = await session.begin(offer, plays=request.path == "/whep")
        self.sessions[str(self.begun)] = session
        headers = {"Location": f"session/{self.begun}", "ETag": ETAG}
        response = web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)
        return self.links(response)

    async def patched(self, request):
        if refusal := self.refusal(request):
            return refusal
        if self.options.no_patch:
            say("patch refused")
            return web.Response(status=405)
        assert request.content_type == "application/trickle-ice-sdpfrag", request.content_type
        if request.headers.get("If-Match") != ETAG:
            return web.Response(status=412)
        count = await self.sessions[request.match_info["id"]].add(await request.text())
        say(f"patch with {count} candidates")
        return web.Response(status=204)

    async def deleted(self, request):
        if refusal := self.refusal(request):
            return refusal
        session = self.sessions.pop(request.match_info["id"])
        await session.connection.close()
        say(f"delete after {session.decoded['video']} pictures and {session.decoded['audio']} sounds")
        return web.Response(status=200)


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--link", action="append", default=[])
    parser.add_argument("--no-patch", action="store_true")
    server = Server(parser.parse_args())
    application = web.Application()
    for path in ("/whip", "/whep"):
        application.router.add_route("OPTIONS", path, server.asked)
        application.router.add_post(path, server.offered)
        application.router.add_route("*", "/moved" + path, server.moved)
    application.router.add_patch("/session/{id}", server.patched)
    application.router.add_delete("/session/{id}", server.deleted)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", server.options.port).start()
    say("listening")
    await asyncio.Event().wait()


asyncio.run(main())
