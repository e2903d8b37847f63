//! When a keyframe is waited for, when it is given up, and when another one is asked for.
//! A question costs the sender a picture of many packets, so none is asked that an answer on its way makes needless.

use super::*;

#[test]
fn a_keyframe_behind_a_gap_is_not_kept_waiting() {
    let (mut sender, mut receiver) = started();
    sender.frame(false, 2);
    receiver.receive(66, sender.frame(true, 3));
    assert_eq!((receiver.outputs().as_str(), receiver.deadline()), ("", Some(71)), "the packets are asked for, ...");
    receiver.poll(71);
    assert_eq!(receiver.deadline(), Some(86), "... but waited for only as long as packets may overtake");
    receiver.poll(86);
    assert_eq!(receiver.outputs(), "K2");
    receiver.receive(99, sender.frame(false, 2));
    assert_eq!(receiver.outputs(), "D3");
}

#[test]
fn a_keyframe_that_lost_a_packet_is_waited_for_and_then_given_up() {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    let mut frame = sender.frame(true, 6);
    frame.remove(3);
    receiver.receive(0, frame);
    receiver.receive(33, sender.frame(false, 2));
    assert_eq!(receiver.outputs(), "", "a keyframe is on its way in: asking for another one would only delay it");
    receiver.poll(520);
    assert_eq!(receiver.outputs(), "?");
    receiver.receive(550, sender.frame(true, 6));
    assert_eq!(receiver.outputs(), "K2");
    assert_eq!(receiver.buffer.figures().frames_dropped, 2);
}

#[test]
fn a_keyframe_without_its_first_packet_is_none() {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    receiver.receive(0, sender.frame(true, 5).drain(1..));
    receiver.receive(33, sender.frame(false, 2));
    assert_eq!(receiver.outputs(), "?");
}

#[test]
fn until_a_keyframe_comes_it_is_asked_for_again_and_again_but_not_too_often() {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    for frame in 0..60 {
        receiver.receive(frame * 33, sender.frame(false, 2));
    }
    assert_eq!(receiver.outputs(), "? ? ? ? ? ?", "once in 300 ms");
    receiver.poll(10_000);
    assert_eq!(receiver.outputs(), "?");
    receiver.poll(20_000);
    assert_eq!(receiver.outputs(), "", "a sender that sends nothing is not asked");
    receiver.receive(20_033, sender.frame(true, 3));
    assert_eq!(receiver.outputs(), "K60");
}

#[test]
fn nothing_is_asked_for_before_anything_came() {
    let mut receiver = Receiver::new();
    receiver.poll(0);
    assert_eq!((receiver.outputs().as_str(), receiver.deadline()), ("", None));
}

#[test]
fn a_decoder_that_lost_track_gets_a_keyframe_next() {
    let (mut sender, mut receiver) = started();
    receiver.buffer.restart();
    receiver.receive(33, sender.frame(false, 2));
    receiver.receive(66, sender.frame(true, 2));
    assert_eq!(receiver.outputs(), "? K2");
}

#[test]
fn padding_between_the_packets_of_a_keyframe_does_not_begin_it_again() {
    let (mut sender, mut receiver) = started();
    sender.frame(false, 1);
    // Every packet behind the gap claims to begin a keyframe, and none ends it: were each one followed to the newest, the
    // crowd would cost seconds. It costs a look at each packet, which takes milliseconds.
    let begin = PayloadInfo { starts_frame: true, keyframe: true };
    for packet in 0..2000 {
        let claim = sender.packet(false, vec![2, packet as u8], begin);
        let (mut padding, info) = sender.padding();
        padding.timestamp = padding.timestamp.wrapping_add(1);
        receiver.receive(30 + packet / 25, [claim, (padding, info)]);
    }
    assert_eq!(receiver.outputs(), "");
}
