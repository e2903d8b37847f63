//! A peer that sends anything at any time, and a connection that reports anything: one operation at a time all the same,
//! nothing sent that was not applied, and what waits for its turn is bounded.
#![no_main]

use call_core::{Candidate, Description, Negotiator, NegotiatorInput as In, NegotiatorOutput as Out, PeerCapabilities};
use fuzz::Script;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut script = Script::new(data);
    let word = script.byte();
    let capabilities = PeerCapabilities { renegotiation: word & 2 == 0, ..PeerCapabilities::FULL };
    let negotiator = Negotiator::new(word & 1 == 1, capabilities);
    let mut shell = Shell { negotiator, running: Some(Operation::Open), applied: None };
    while !script.is_over() {
        shell.step(&mut script);
    }
});

/// What the connection is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Open,
    CreateOffer,
    CreateAnswer,
    SetLocal,
    SetRemote,
    Rollback,
}

/// A shell that checks what it is told to do.
struct Shell {
    negotiator: Negotiator,
    running: Option<Operation>,
    /// The description of ours being applied.
    applied: Option<Description>,
}

impl Shell {
    fn step(&mut self, script: &mut Script) {
        let word = script.byte();
        let good = word & 0x80 == 0;
        match word & 0x0f {
            0 => self.handle(In::NegotiationNeeded),
            1 => self.handle(In::Remote(Description::offer(text(script)))),
            2 => self.handle(In::Remote(Description::answer(text(script)))),
            3 => {
                let kind = call_core::DescriptionKind::Rollback;
                self.handle(In::Remote(Description { kind, sdp: String::new() }));
            }
            4 => {
                let candidate = Candidate { candidate: text(script), ..Candidate::default() };
                for _ in 0..script.byte() {
                    self.handle(In::RemoteCandidate(candidate.clone()));
                }
            }
            5 => self.result(Operation::Open, good),
            6 => self.result(Operation::CreateOffer, good),
            7 => self.result(Operation::CreateAnswer, good),
            8 => self.result(Operation::SetLocal, good),
            9 => self.result(Operation::SetRemote, good),
            10 => self.result(Operation::Rollback, good),
            // As a real connection does it.
            _ => {
                if let Some(operation) = self.running {
                    self.result(operation, good);
                }
            }
        }
    }

    fn result(&mut self, operation: Operation, good: bool) {
        if self.running == Some(operation) {
            self.running = None;
        }
        let done = if good { Ok(()) } else { Err("no".to_owned()) };
        let made = |description| done.clone().map(|()| description);
        self.handle(match operation {
            Operation::Open => In::Opened,
            Operation::CreateOffer => In::OfferCreated(made(Description::offer("ours"))),
            Operation::CreateAnswer => In::AnswerCreated(made(Description::answer("ours"))),
            Operation::SetLocal => In::LocalSet(done),
            Operation::SetRemote => In::RemoteSet(done),
            Operation::Rollback => In::RolledBack(done),
        });
    }

    fn handle(&mut self, input: In) {
        self.negotiator.handle(input);
        let (mut candidates, mut others) = (0, 0);
        while let Some(output) = self.negotiator.poll() {
            others += 1;
            match output {
                Out::CreateOffer => self.run(Operation::CreateOffer),
                Out::CreateAnswer => self.run(Operation::CreateAnswer),
                Out::SetLocal(description) => {
                    self.run(Operation::SetLocal);
                    self.applied = Some(description);
                }
                Out::SetRemote(_) => self.run(Operation::SetRemote),
                Out::Rollback => self.run(Operation::Rollback),
                Out::Send(description) => {
                    assert_eq!(Some(description), self.applied.take(), "sent before it was applied")
                }
                Out::AddCandidate(candidate) => {
                    assert!(!candidate.is_end_of_candidates());
                    assert!(self.negotiator.is_described(), "a candidate for nothing");
                    (candidates, others) = (candidates + 1, others - 1);
                }
                Out::Warn(_) | Out::Failed(_) => {}
            }
        }
        // Both queues can run empty at once: the early candidates, and those behind the description.
        assert!(candidates <= 2 * Negotiator::QUEUE_LIMIT, "{candidates} candidates waited");
        // Each waiting description gives a warning at most.
        assert!(others <= Negotiator::QUEUE_LIMIT + 4, "{others} outputs of one input");
        assert!(self.negotiator.is_described() || !self.negotiator.is_exchanged());
    }

    fn run(&mut self, operation: Operation) {
        assert_eq!(self.running.replace(operation), None, "{operation:?} while another operation runs");
    }
}

fn text(script: &mut Script) -> String {
    // One letter tells texts apart; none is the end of the candidates.
    String::from_utf8_lossy(script.bytes(1)).trim_matches('\0').to_owned()
}
