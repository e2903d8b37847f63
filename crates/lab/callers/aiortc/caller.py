"""A measured call by aiortc: signaling, one connection with stamped pictures and marked sound both ways, and its record.

aiortc has no renderer: a picture counts as rendered, and sound goes to the sound card, when `recv()` returns it.
"""

import asyncio
import contextlib
import json
import os
import sys
import threading
import time

from orders import DONE, FAILED, NOT_INSTALLED, Orders

STARTED_US = time.time_ns() // 1000
SLACK = 20  # s beyond its orders that a run may take before it is cut off
CLOSING = 5  # s for the connection and the server to take their leave

try:
    import aiortc
    import aiortc.codecs.h264
    import aiortc.codecs.vpx
    import websockets
    from aiortc.mediastreams import MediaStreamError
    from aiortc.sdp import candidate_from_sdp

    from record import Record, unix_us
    from tracks import Camera, Microphone
except ImportError as error:
    sys.stderr.write(f"aiortc cannot be loaded: {error}; run pip install -r requirements.txt\n")
    sys.exit(NOT_INSTALLED)


class Call:
    def __init__(self, orders):
        self.orders = orders
        self.record = Record(orders.folder)
        self.peer = {"name": "aiortc", "version": aiortc.__version__, "started_us": STARTED_US}
        # Without the STUN server that is its default: the lab has none, and it would be waited for.
        self.pc = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.camera = Camera(orders.scene, orders.size, orders.fps, orders.pause, self.record)
        self.microphone = Microphone(orders.sound)
        self.connected = asyncio.Event()
        self.tasks = []
        self.pc.on("track", self.take)
        self.pc.on("connectionstatechange", self.changed)
        # Both encoders have a limit of their own that the API does not reach.
        for codec in (aiortc.codecs.h264, aiortc.codecs.vpx):
            codec.MAX_BITRATE = orders.max_bitrate

    def changed(self):
        if self.pc.connectionState == "connected" and not self.connected.is_set():
            self.peer["connected_us"] = unix_us()
            self.connected.set()

    def take(self, track):
        self.tasks.append(asyncio.ensure_future(self.watch(track) if track.kind == "video" else self.listen(track)))

    async def watch(self, track):
        while True:
            self.record.rendered(await track.recv())

    async def listen(self, track):
        while True:
            frame = await track.recv()
            channels = len(frame.layout.channels)
            self.record.played(frame.to_ndarray().reshape(-1)[::channels])

    def attach(self):
        """Sends over the transceivers that an offer made, or over new ones, pictures with the wanted codec only."""
        direction = {"both": "sendrecv", "send": "sendonly", "receive": "recvonly"}[self.orders.media]
        made = {transceiver.kind for transceiver in self.pc.getTransceivers()}
        for track in (self.microphone, self.camera):
            if self.orders.media != "receive":
                self.pc.addTrack(track)
            elif track.kind not in made:
                self.pc.addTransceiver(track.kind, direction=direction)
        for transceiver in self.pc.getTransceivers():
            transceiver.direction = direction
        wanted = {f"video/{self.orders.codec}", "video/rtx"}
        capabilities = aiortc.RTCRtpSender.getCapabilities("video").codecs
        codecs = [codec for codec in capabilities if codec.mimeType.lower() in wanted]
        profiles = [codec for codec in codecs if codec.parameters.get("profile-level-id", "42e01f") == "42e01f"]
        for transceiver in self.pc.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(profiles)

    async def signal(self, socket, second):
        """Offers or waits for the offer, and goes on reading until the server closes."""
        async def send(description):
            await self.pc.setLocalDescription(description)
            local = self.pc.localDescription
            await socket.send(json.dumps({"type": local.type, "sdp": local.sdp}))

        if second:
            self.attach()
            self.peer["offer_us"] = unix_us()
            await send(await self.pc.createOffer())
        early = []
        async for text in socket:
            message = json.loads(text)
            kind = message.get("type")
            if kind == "ping":
                await socket.send('{"type":"pong"}')
            elif kind in ("offer", "answer"):
                if kind == "offer":
                    self.peer.setdefault("offer_us", unix_us())
                await self.pc.setRemoteDescription(aiortc.RTCSessionDescription(message["sdp"], kind))
                while early:
                    await self.candidate(early.pop(0))
                if kind == "offer":
                    self.attach()
                    await send(await self.pc.createAnswer())
            elif kind == "candidate" and message.get("ice", {}).get("candidate"):
                if self.pc.remoteDescription:
                    await self.candidate(message["ice"])
                else:
                    early.append(message["ice"])

    async def candidate(self, ice):
        candidate = candidate_from_sdp(ice["candidate"].removeprefix("candidate:"))
        candidate.sdpMid, candidate.sdpMLineIndex = ice.get("sdpMid"), ice.get("sdpMLineIndex")
        await self.pc.addIceCandidate(candidate)

    async def seconds(self):
        encoder = "_RTCRtpSender__encoder"
        video = next(sender for sender in self.pc.getSenders() if sender.kind == "video")
        due = time.monotonic()
        while True:
            due += 1
            await asyncio.sleep(max(0, due - time.monotonic()))
            report = await video.getStats()
            rtts = [stat.roundTripTime for stat in report.values() if stat.type == "remote-inbound-rtp"]
            self.record.second(
                at_us=unix_us(),
                target_bps=getattr(getattr(video, encoder, None), "target_bitrate", None),
                frames_encoded=self.record.sent_count,
                frames_decoded=self.record.rendered_count,
                rtt_ms=rtts[0] * 1000 if rtts and rtts[0] is not None else None,
            )

    async def join(self):
        """Enters the room; the socket, and whether somebody is there already."""
        deadline = time.monotonic() + self.orders.wait
        while True:
            try:
                socket = await websockets.connect(self.orders.server, open_timeout=self.orders.wait)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.25)
        await socket.send(json.dumps({"type": "register", "roomId": self.orders.room, "clientId": f"lab-{os.getpid()}"}))
        while (message := json.loads(await socket.recv()))["type"] != "accept":
            if message["type"] == "reject":
                raise ConnectionError(f"the server rejects us: {message.get('reason')}")
        return socket, bool(message.get("isExistClient", message.get("isExistUser")))

    async def connect(self):
        socket, second = await self.join()
        signaling = asyncio.ensure_future(self.signal(socket, second))
        self.tasks.append(signaling)
        standing = asyncio.ensure_future(self.connected.wait())
        await asyncio.wait([standing, signaling], return_when=asyncio.FIRST_COMPLETED)
        if not self.connected.is_set():
            standing.cancel()
            signaling.result()
            raise ConnectionError("the server closed the connection")
        return socket

    async def run(self):
        socket = None
        try:
            socket = await asyncio.wait_for(self.connect(), self.orders.wait)
            self.tasks.append(asyncio.ensure_future(self.seconds()))
            await asyncio.sleep(self.orders.seconds - (unix_us() - self.peer["connected_us"]) / 1e6)
            self.peer["codec"] = self.orders.codec
        except (TimeoutError, asyncio.TimeoutError):
            self.peer["error"] = f"no connection after {self.orders.wait:g} s"
        except (OSError, ValueError, websockets.WebSocketException, aiortc.InvalidStateError) as error:
            self.peer["error"] = str(error)
        self.peer["ended_us"] = unix_us()
        await self.close(socket)
        self.peer["sound_sent_origin_us"] = self.microphone.origin_us
        self.peer["sound_origin_us"] = self.record.sound_origin_us
        self.record.finish(self.peer)

    async def close(self, socket):
        for task in self.tasks:
            task.cancel()
        for result in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, (MediaStreamError, websockets.ConnectionClosed)):
                sys.stderr.write(f"{type(result).__name__}: {result}\n")
        for closing in [self.pc, *([socket] if socket else [])]:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(closing.close(), CLOSING)


def main():
    orders = Orders()

    def cut_off():
        sys.stderr.write("the run took too long\n")
        os._exit(FAILED)

    timer = threading.Timer(orders.wait + orders.seconds + SLACK, cut_off)
    timer.daemon = True
    timer.start()

    async def run():
        call = Call(orders)
        await call.run()
        return call.peer.get("error")

    error = asyncio.run(run())
    if error:
        sys.stderr.write(f"{error}\n")
    sys.exit(FAILED if error else DONE)


main()
