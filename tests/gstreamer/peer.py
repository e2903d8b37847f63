"""One side of a call in GStreamer's webrtcbin, which speaks GStreamer's signalling: python3 peer.py URL ROOM produce|consume

Sends a moving picture and a tone of 440 Hz. Prints one line of JSON, {"frames":…,"loud":…}, whenever the number of decoded
pictures or of loud tenths of a second has changed, {"producing":true} and {"ended":true}; what goes wrong goes to standard error and ends it with 1.
"""
import json
import re
import sys

import gi

for name, version in (("Gst", "1.0"), ("GstWebRTC", "1.0"), ("GstSdp", "1.0"), ("Soup", "3.0")):
    gi.require_version(name, version)
from gi.repository import GLib, Gst, GstSdp, GstWebRTC, Soup

# Quieter than that, in dB of full scale, is silence.
SILENCE = -50.0

# What is sent before the other side has said which numbers its codecs have.
OWN_NUMBERS = {"H264": 96, "opus": 97}

PICTURES = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=500 key-int-max=30"
    " ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency pt={H264}"
    " ! application/x-rtp,media=video,encoding-name=H264,payload={H264} ! w."
)
SOUND = (
    "audiotestsrc is-live=true freq=440 volume=0.25 ! audio/x-raw,rate=48000,channels=1"
    " ! opusenc ! rtpopuspay pt={opus} ! application/x-rtp,media=audio,encoding-name=OPUS,payload={opus} ! w."
)


def numbers(sdp):
    """The payload types of an offer for the codecs that are sent here. Of several H.264 the first in whole-frame mode."""
    found = {}
    for number, codec in re.findall(r"a=rtpmap:(\d+) (\w+)/", sdp):
        whole = codec != "H264" or re.search(rf"a=fmtp:{number} .*packetization-mode=1", sdp)
        if codec in OWN_NUMBERS and whole:
            found.setdefault(codec, int(number))
    return found


class Peer:
    """The connection to the server, and the one call over it."""

    def __init__(self, url, room, produces):
        self.url, self.room, self.produces = url, room, produces
        self.session = None
        self.pipeline = None
        self.figures = {"frames": 0, "loud": 0}
        self.early = []
        self.loop = GLib.MainLoop()
        self.status = 0

    def run(self):
        soup, message = Soup.Session(), Soup.Message.new("GET", self.url)
        soup.websocket_connect_async(message, None, None, GLib.PRIORITY_DEFAULT, None, self.connected)
        self.loop.run()
        return self.status

    def fail(self, what):
        print(what, file=sys.stderr, flush=True)
        self.status = 1
        self.loop.quit()

    def connected(self, soup, result):
        try:
            self.socket = soup.websocket_connect_finish(result)
        except GLib.Error as error:
            return self.fail(error.message)
        self.socket.connect("message", lambda _, kind, data: self.heard(json.loads(data.get_data())))
        self.socket.connect("closed", lambda _: self.fail("the server closed the connection"))

    def say(self, **message):
        self.socket.send_text(json.dumps(message))

    def heard(self, message):
        kind = message["type"]
        if kind == "welcome":
            roles = ["producer"] if self.produces else ["listener"]
            self.say(type="setPeerStatus", roles=roles, meta={"name": self.room})
            if self.produces:
                print('{"producing":true}', flush=True)
            else:
                self.say(type="list")
        elif kind == "list":
            producers = [one["id"] for one in message["producers"] if (one.get("meta") or {}).get("name") == self.room]
            if not producers:
                return self.fail("nobody produces in the room")
            self.say(type="startSession", peerId=producers[0])
        elif kind == "sessionStarted":
            self.session = message["sessionId"]
        elif kind == "startSession":
            self.session = message["sessionId"]
            self.start(OWN_NUMBERS)
            self.webrtc.connect("on-negotiation-needed", lambda _: self.describe("offer"))
        elif kind == "peer" and "sdp" in message:
            self.described(message["sdp"]["type"], message["sdp"]["sdp"])
        elif kind == "peer":
            candidate = message["ice"]["sdpMLineIndex"], message["ice"]["candidate"]
            if self.pipeline:
                self.webrtc.emit("add-ice-candidate", *candidate)
            else:
                self.early.append(candidate)
        elif kind == "endSession":
            print('{"ended":true}', flush=True)
            self.loop.quit()
        elif kind == "error":
            self.fail(message.get("details"))

    def start(self, numbers_of_codecs):
        """Starts sending, with these payload types."""
        parts = [part for name, part in (("opus", SOUND), ("H264", PICTURES)) if name in numbers_of_codecs]
        description = " ".join(["webrtcbin name=w bundle-policy=max-bundle", *parts]).format(**numbers_of_codecs)
        self.pipeline = Gst.parse_launch(description)
        self.webrtc = self.pipeline.get_by_name("w")
        self.webrtc.connect("pad-added", self.received)
        self.webrtc.connect("on-ice-candidate", self.candidate)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, message: self.fail(message.parse_error()[0].message))
        bus.connect("message::element", self.level)
        self.pipeline.set_state(Gst.State.PLAYING)

    def candidate(self, _, index, text):
        ice = {"candidate": text, "sdpMLineIndex": index}
        GLib.idle_add(lambda: self.say(type="peer", sessionId=self.session, ice=ice))

    def described(self, kind, text):
        if kind == "offer":
            self.start(numbers(text))
        _, sdp = GstSdp.SDPMessage.new_from_text(text)
        named = GstWebRTC.WebRTCSDPType.OFFER if kind == "offer" else GstWebRTC.WebRTCSDPType.ANSWER
        description = GstWebRTC.WebRTCSessionDescription.new(named, sdp)
        done = Gst.Promise.new_with_change_func(lambda promise: kind == "offer" and self.describe("answer"))
        self.webrtc.emit("set-remote-description", description, done)
        while self.early:
            self.webrtc.emit("add-ice-candidate", *self.early.pop(0))

    def describe(self, kind):
        def made(promise):
            # The description lives as long as the reply that it is part of.
            reply = promise.get_reply()
            description = reply.get_value(kind)
            self.webrtc.emit("set-local-description", description, Gst.Promise.new())
            sdp = {"type": kind, "sdp": description.sdp.as_text()}
            GLib.idle_add(lambda: self.say(type="peer", sessionId=self.session, sdp=sdp))

        self.webrtc.emit(f"create-{kind}", None, Gst.Promise.new_with_change_func(made))

    def received(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        if pad.get_current_caps().get_structure(0).get_string("media") == "audio":
            rest = "rtpopusdepay ! opusdec ! audioconvert ! level interval=100000000 ! fakesink sync=false"
        else:
            rest = "rtph264depay ! avdec_h264 ! fakesink name=pictures signal-handoffs=true sync=false"
        sink = Gst.parse_bin_from_description(rest, True)
        pictures = sink.get_by_name("pictures")
        if pictures:
            pictures.connect("handoff", lambda *_: self.count("frames"))
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def level(self, _, message):
        heard = message.get_structure()
        if heard and heard.get_name() == "level" and heard.get_value("rms")[0] > SILENCE:
            self.count("loud")

    def count(self, name):
        self.figures[name] += 1
        print(json.dumps(self.figures, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    Gst.init(None)
    sys.exit(Peer(sys.argv[1], sys.argv[2], sys.argv[3] == "produce").run())
