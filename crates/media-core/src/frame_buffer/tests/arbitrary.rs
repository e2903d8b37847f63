//! Packets of any number, time and kind, as no sender of ours would send them.
//! Whatever comes in, the buffer keeps its promises and comes to rest.

use proptest::prelude::*;

use super::*;

proptest! {
    /// Whatever comes in at whatever time, nothing panics or spins, frames are due in order, and a packet comes out once.
    #[test]
    fn packets_never_break_the_buffer(
        steps in prop::collection::vec(
            (
                0_u64..60,
                prop_oneof![4 => 0_u16..3, 1 => any::<u16>()],
                prop_oneof![8 => prop_oneof![Just(0_u32), Just(3000)], 1 => any::<u32>()],
                any::<(bool, bool, bool, bool)>(),
            ),
            1..800,
        ),
    ) {
        let mut buffer = FrameBuffer::new(FrameBufferConfig::default());
        let mut now = Instant::now();
        let (mut sequence_number, mut timestamp) = (0_u16, 0_u32);
        let mut last_due = now;
        let mut seen = std::collections::HashSet::new();
        for (index, (passed, step, jump, (marker, starts_frame, keyframe, empty))) in steps.into_iter().enumerate() {
            now += Duration::from_millis(passed);
            sequence_number = sequence_number.wrapping_add(step);
            timestamp = timestamp.wrapping_add(jump);
            let payload = if empty { Vec::new() } else { index.to_be_bytes().to_vec() };
            let packet = RtpPacket { sequence_number, timestamp, marker, payload, arrived: now };
            buffer.insert(now, packet, PayloadInfo { starts_frame, keyframe });
            let mut outputs = 0;
            while let Some(output) = buffer.poll(now) {
                outputs += 1;
                prop_assert!(outputs <= 2049, "polling ends");
                let FrameOutput::Frame(frame) = output else { continue };
                prop_assert!(!frame.packets.is_empty());
                prop_assert!(frame.due >= frame.arrived && frame.due >= last_due, "due in order");
                prop_assert!(frame.due <= now + Duration::from_millis(500), "due soon");
                last_due = frame.due;
                for payload in frame.packets {
                    prop_assert!(!payload.is_empty() && seen.insert(payload), "a packet comes out once");
                }
            }
            prop_assert!(buffer.deadline().is_none_or(|deadline| deadline > now), "a deadline lies ahead");
        }
    }
}
