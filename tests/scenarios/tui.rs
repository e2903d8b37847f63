//! A call on a terminal: it is seen, its keys work, and the terminal is given back as it was.
//! The terminal is a private tmux, whose screen is read as a person would.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ringback_tests::place::alone;
use ringback_tests::process::Process;
use ringback_tests::program::{Call, Running, Server, ringback};
use ringback_tests::skip::skip;
use ringback_tests::tmux::Tmux;

const ENDS: Duration = Duration::from_secs(40);

/// A call on a terminal; afterwards the terminal says how it ended, and how it is set.
fn call(server: &Server, width: u16, height: u16, before: &str) -> Tmux {
    let script = format!(
        "{before} '{}' call cellar --tui --server {} --video-in test --audio-in test --audio-out none --size 320x180; \
         code=$?; stty -a; echo \"ended with $code\"; exec cat",
        ringback().display(),
        server.url(),
    );
    Tmux::start(width, height, &script)
}

fn peer(server: &Server) -> Running {
    Call::new("peer", "cellar")
        .on(server)
        .media("test", "test")
        .option("--audio-out", "none")
        .option("--video-out", "none")
        .option("--size", "320x180")
        .flag("--chat")
        .start()
}

/// A small terminal that shows the peer, who was there first: whoever comes second has agreed by calling.
fn in_a_call(before: &str) -> (Server, Running, Tmux) {
    let server = Server::start();
    let peer = peer(&server);
    peer.process.line_err("* waiting", ENDS);
    let terminal = call(&server, 80, 24, before);
    terminal.wait("the peer's picture", |screen| screen.matches('\u{2580}').count() > 500);
    (server, peer, terminal)
}

/// The different colours behind the upper halves of cells.
fn colours(screen: &str, kind: &str) -> BTreeSet<String> {
    let parts = screen.split(kind).skip(1);
    parts.map(|part| part.chars().take_while(|c| c.is_ascii_digit() || *c == ';').collect()).collect()
}

fn is_given_back(terminal: &Tmux) {
    let screen = terminal.wait("the shell's words", |screen| screen.contains("ended with"));
    assert!(screen.contains("ended with 0"), "{screen}");
    let settings: Vec<&str> = screen.split_whitespace().collect();
    assert!(settings.contains(&"icanon") && settings.contains(&"echo"), "{screen}");
    assert!(!screen.contains("Hang up"), "{screen}");
    assert!(!terminal.is_taken_over(), "{screen}");
}

#[test]
fn a_person_on_a_terminal_takes_a_call_sees_the_other_writes_mutes_and_hangs_up() {
    let _alone = alone();
    if !Tmux::is_there() {
        return skip("there is no tmux");
    }
    let server = Server::start();
    let terminal = call(&server, 120, 40, "COLORTERM=truecolor");
    terminal.shows("waiting for somebody to join \u{201c}cellar\u{201d}");
    let mut peer = peer(&server);
    terminal.shows("Somebody calls in");
    terminal.press("Enter");
    peer.connected();
    terminal.wait("the peer's picture", |screen| screen.matches('\u{2580}').count() > 500);
    let before = terminal.colours();
    assert!(colours(&before, "48;2;").len() > 8, "{before:?}");
    // The test card moves.
    terminal.wait("another picture", |_| terminal.colours() != before);

    terminal.press("m");
    terminal.shows("\u{b7} muted");
    terminal.press("m");
    terminal.wait("no longer muted", |screen| !screen.contains("\u{b7} muted"));
    peer.process.say("is it \u{1b}[2J cold down there?");
    terminal.shows("Chat (1)");
    terminal.press("c");
    terminal.shows("the other: is it \\u{1b}[2J cold down there?");
    terminal.say("quite cold");
    terminal.press("Enter");
    terminal.shows("you: quite cold");
    peer.process.line_out("quite cold", ENDS);
    terminal.press("Escape");
    terminal.wait("no chat", |screen| !screen.contains("quite cold"));
    terminal.press("i");
    terminal.shows("kbit/s");
    terminal.shows("host udp");
    terminal.press("?");
    terminal.shows("space  Mute or unmute");
    terminal.resize(20, 5);
    terminal.wait("a small screen", |screen| screen.starts_with(" cellar"));
    terminal.resize(80, 24);
    terminal.shows("space  Mute");
    terminal.press("Escape");
    terminal.wait("no help", |screen| !screen.contains("space  Mute"));

    terminal.press("q");
    is_given_back(&terminal);
    peer.ends_with(0, ENDS);
    assert_eq!(peer.report().text("end.reason"), "peer_hung_up");
    assert!(terminal.settings().contains("\"cellar\""), "the start page offers the room: {}", terminal.settings());
}

#[test]
fn a_small_terminal_with_few_colours_shows_a_call_and_is_given_back_after_a_signal() {
    let _alone = alone();
    if !Tmux::is_there() {
        return skip("there is no tmux");
    }
    let (_server, mut peer, terminal) = in_a_call("unset COLORTERM;");
    let screen = terminal.colours();
    assert!(colours(&screen, "48;5;").len() > 4 && colours(&screen, "48;2;").is_empty(), "{screen:?}");
    // As a signal from elsewhere does: in this terminal Ctrl-C is a key.
    terminal.signal_program("TERM");
    is_given_back(&terminal);
    peer.ends_with(0, ENDS);
}

#[test]
fn a_shell_that_goes_away_ends_the_call_in_order() {
    let _alone = alone();
    if !Tmux::is_there() {
        return skip("there is no tmux");
    }
    // The program outlives its terminal, and with that the folder for what it keeps: it is to keep nothing.
    let (_server, mut peer, terminal) = in_a_call("exec env XDG_CONFIG_HOME=/proc/none");
    let program = terminal.process();
    drop(terminal);
    peer.ends_with(0, ENDS);
    assert_eq!(peer.report().text("end.reason"), "peer_hung_up");
    // The program is no child of ours, and nothing tells of its end but its being gone.
    let deadline = Instant::now() + ENDS;
    while runs(&program) {
        assert!(Instant::now() < deadline, "the program goes on without its terminal");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether this process is there and has not ended.
fn runs(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

#[test]
fn what_is_no_terminal_is_refused_with_a_reason() {
    let mut command = std::process::Command::new(ringback());
    let mut call = Process::start("piped", command.args(["call", "cellar", "--tui"]));
    call.line_err("--tui draws on a terminal", ENDS);
    assert_eq!(call.wait(ENDS).code(), Some(2));
}

#[test]
fn two_lines_are_carried_by_hand_between_a_terminal_and_another_program() {
    let _alone = alone();
    if !Tmux::is_there() {
        return skip("there is no tmux");
    }
    let script = format!(
        "'{}' call --tui --server manual --video-in none --audio-in none --audio-out none; \
         code=$?; stty -a; echo \"ended with $code\"; exec cat",
        ringback().display(),
    );
    let terminal = Tmux::start(120, 40, &script);
    let screen = terminal.wait("the whole line", |screen| screen.contains("Then paste the line"));
    let mut rows = screen.lines().skip_while(|row| !row.starts_with("ringback1-offer-"));
    let offer: String = rows.by_ref().take_while(|row| !row.is_empty()).collect();
    let mut peer = Call::to("peer", "manual").silent().start();
    peer.process.say(&offer);
    let answer = peer.process.line_out("ringback1-answer-", ENDS);
    terminal.paste("good evening");
    terminal.shows("that is not a line of a call");
    terminal.paste(&answer);
    peer.connected();
    terminal.shows("\u{b7} Connected");
    terminal.press("q");
    is_given_back(&terminal);
    peer.ends_with(0, ENDS);
}
