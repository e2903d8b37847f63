//! Each state of a call as the terminal shows it, in several sizes, down to none.
//! What is compared is the text; colours are for pictures alone.

use std::time::Instant;

use call_engine::{EndReason, Event, Phase, Picture, Size, Snapshot};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::board::{Board, Effect};
use super::keys::Stroke;
use super::picture::Depth;
use super::view::{self, Scene};
use crate::face::{Step, Story};

/// A call at one moment, to be drawn.
struct Moment {
    snapshot: Snapshot,
    story: Story,
    board: Board,
    remote: Option<Picture>,
    local: Option<Picture>,
    link: Option<&'static str>,
    step: Step,
    code: Option<String>,
    now: Instant,
}

impl Moment {
    fn at(phase: Phase) -> Self {
        Self {
            snapshot: Snapshot { phase, ..Snapshot::default() },
            story: Story::default(),
            board: Board::default(),
            remote: None,
            local: None,
            link: None,
            step: Step::Preparing,
            code: None,
            now: Instant::now(),
        }
    }

    fn strokes(&mut self, keys: &str) -> Vec<Effect> {
        keys.chars().flat_map(|c| self.board.stroke(Stroke::Char(c), &self.snapshot)).collect()
    }

    /// The rows of the screen, without the blanks at their ends.
    fn rows(&self, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory is a terminal");
        let scene = Scene {
            room: "kitchen",
            link: self.link,
            step: &self.step,
            code: self.code.as_deref(),
            snapshot: &self.snapshot,
            story: &self.story,
            board: &self.board,
            now: self.now,
            levels: (0.1, 1.0),
            remote: self.remote.as_ref(),
            local: self.local.as_ref(),
            depth: Depth::Indexed,
            cell: (1, 2),
            graphics: false,
        };
        terminal
            .draw(|frame| {
                view::draw(frame, &scene);
            })
            .expect("memory can be drawn on");
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect()
    }
}

#[test]
fn a_waiting_call_says_that_it_calls_and_which_keys_there_are() {
    let rows = Moment::at(Phase::Waiting).rows(80, 8);
    assert_eq!(
        rows,
        [
            " kitchen · Calling…",
            "",
            "",
            "                 Calling… waiting for somebody to join “kitchen”",
            "",
            "",
            " mic ████████████████         speaker ████████████████████████",
            " m Mute or unmute v Camera off or on c Chat q Hang up ? Help",
        ]
    );
}

#[test]
fn who_hosts_the_room_sees_how_others_join() {
    let mut moment = Moment::at(Phase::Waiting);
    moment.link = Some("https://192.0.2.1:7551/?room=kitchen");
    let rows = moment.rows(80, 10);
    assert!(rows[5].ends_with("Others join with a browser: https://192.0.2.1:7551/?room=kitchen"), "{rows:#?}");
}

#[test]
fn each_state_has_its_words() {
    let mut muted = Moment::at(Phase::Connected);
    (muted.snapshot.microphone_on, muted.snapshot.camera_on) = (false, false);
    muted.snapshot.peer.microphone_on = Some(false);
    let mut camera_off = Moment::at(Phase::Connected);
    camera_off.remote = Some(Picture::black(Size { width: 16, height: 9 }));
    camera_off.snapshot.peer.camera_on = Some(false);
    let mut over = Moment::at(Phase::Ended);
    over.snapshot.end = Some(EndReason::PeerHungUp { reason: Some("\u{1b}[2Jbye".into()) });
    for (moment, expected) in [
        (Moment::at(Phase::Joining), vec!["Joining “kitchen”…"]),
        (Moment::at(Phase::Ringing), vec!["Somebody calls in “kitchen”", " a Accept the call", " d Decline"]),
        (Moment::at(Phase::Negotiating), vec!["Connecting…"]),
        (Moment::at(Phase::Connected), vec!["kitchen · Connected", "No picture yet"]),
        (Moment::at(Phase::Reconnecting), vec!["Reconnecting…"]),
        (muted, vec!["· muted · camera off · the other one is muted"]),
        (camera_off, vec!["The other one's camera is off"]),
        (over, vec!["The call is over", "\\u{1b}[2Jbye", " r Call again", " q Hang up"]),
    ] {
        let text = moment.rows(80, 12).join("\n");
        for words in expected {
            assert!(text.contains(words), "{words:?} is missing:\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}

#[test]
fn the_peers_picture_keeps_its_shape_and_our_own_is_in_a_corner() {
    let mut moment = Moment::at(Phase::Connected);
    let mut white = Picture::black(Size { width: 32, height: 18 });
    white.planes_mut()[0].fill(235);
    moment.remote = Some(white);
    moment.local = Some(Picture::black(Size { width: 32, height: 18 }));
    let rows = moment.rows(80, 23);
    let blocks = |row: &str| row.chars().filter(|&c| c == '▀').count();
    // Twenty rows of two pixels each make 71 pixels across; our own is 16 wide, at the right.
    assert_eq!((blocks(&rows[10]), rows[10].chars().take_while(|&c| c == ' ').count()), (71, 4), "{rows:#?}");
    assert_eq!(rows[1].chars().count(), 80, "{rows:#?}");
    assert_eq!(blocks(&moment.rows(30, 10)[1]), blocks(&moment.rows(30, 10)[3]), "no room for our own");
}

#[test]
fn the_chat_counts_what_was_not_read_and_shows_both_sides() {
    let mut moment = Moment::at(Phase::Connected);
    moment.story.event(moment.now, &Event::Chat("hello \u{202e}there".into()));
    assert!(moment.rows(100, 10)[9].contains("c Chat (1)"), "{:?}", moment.rows(100, 10));
    assert_eq!(moment.strokes("c"), [Effect::Read]);
    moment.story.read();
    moment.story.said("a line that is long enough to be wrapped somewhere".into());
    moment.strokes("typed?");
    let rows = moment.rows(60, 10);
    let chat: Vec<_> = rows[1..8].iter().map(|row| row.chars().skip(36).collect::<String>()).collect();
    assert_eq!(
        chat,
        [
            "┌Chat──────────────────┐",
            "│\\u{202e}there         │",
            "│you: a line that is   │",
            "│long enough to be     │",
            "│wrapped somewhere     │",
            "│> typed?              │",
            "└──────────────────────┘",
        ]
    );
    assert!(moment.rows(40, 12).join("\n").contains("> typed?"), "below the picture where it is narrow");
}

#[test]
fn help_names_every_key_and_how_space_acts() {
    let mut moment = Moment::at(Phase::Connected);
    moment.strokes("?");
    let text = moment.rows(100, 24).join("\n");
    for words in ["m  Mute or unmute", "q  Hang up", "space  Mute or unmute (this terminal does not tell"] {
        assert!(text.contains(words), "{words:?} is missing:\n{text}");
    }
    moment.board.tells_release = true;
    let text = moment.rows(80, 24).join("\n");
    assert!(text.contains("space  Talk while held"), "{text}");
}

#[test]
fn figures_devices_and_notices_lie_on_the_picture() {
    let mut moment = Moment::at(Phase::Connected);
    moment.remote = Some(Picture::black(Size { width: 16, height: 9 }));
    moment.snapshot.figures.path.local_type = Some("host".into());
    moment.story.event(moment.now, &Event::Problem("no sound is sent".into()));
    moment.strokes("i");
    let rows = moment.rows(80, 24);
    let text = rows.join("\n");
    for words in ["┌Statistics", "round trip –", "path       host – –"] {
        assert!(text.contains(words), "{words:?} is missing:\n{text}");
    }
    assert!(rows[21].starts_with(" no sound is sent "), "{text}");
    moment.strokes("o");
    let text = moment.rows(80, 24).join("\n");
    for words in ["┌Camera, microphone, speaker", "> whatever the system prefers (in use)"] {
        assert!(text.contains(words), "{words:?} is missing:\n{text}");
    }
}

#[test]
fn a_full_screen_is_nothing_but_the_picture_until_the_call_is_over() {
    let mut moment = Moment::at(Phase::Connected);
    moment.remote = Some(Picture::black(Size { width: 20, height: 20 }));
    moment.strokes("f");
    assert!(moment.rows(20, 10).iter().all(|row| *row == "▀".repeat(20)));
    moment.snapshot.end = Some(EndReason::PeerLost);
    moment.snapshot.phase = Phase::Ended;
    assert!(moment.rows(60, 10).join("\n").contains("The call is over"));
}

#[test]
fn no_size_is_too_small() {
    let mut moment = Moment::at(Phase::Connected);
    moment.remote = Some(Picture::black(Size { width: 16, height: 9 }));
    moment.local = Some(Picture::black(Size { width: 16, height: 9 }));
    moment.story.event(moment.now, &Event::Chat("hello".into()));
    moment.story.event(moment.now, &Event::Info("something".into()));
    for keys in ["", "c", "i", "o", "?", "f"] {
        moment.board = Board::default();
        moment.strokes(keys);
        for (width, height) in [(1, 1), (2, 1), (1, 4), (3, 3), (7, 5), (10, 2), (40, 4), (200, 1), (300, 100)] {
            assert_eq!(moment.rows(width, height).len(), usize::from(height), "{keys:?} at {width}x{height}");
        }
    }
}

#[test]
fn a_line_for_the_other_stands_alone_and_the_one_that_comes_back_has_a_field() {
    let line = format!("ringback1-offer-{}", "x".repeat(100));
    let mut moment = Moment::at(Phase::Negotiating);
    moment.step = Step::Offer(line.clone());
    moment.board.awaits_line(true);
    moment.strokes("ringback1-answer-q");
    let rows = moment.rows(60, 16);
    let start = rows.iter().position(|row| row.starts_with("ringback1-offer")).expect("the line is shown");
    assert_eq!(rows[start..start + 2].concat(), line, "it can be marked as it is");
    assert!(rows.iter().any(|row| row == "> ringback1-answer-q"), "{rows:#?}");
    assert!(rows[15].contains("Esc frees the keys"), "{rows:#?}");
    let small = moment.rows(70, 9);
    assert!(small.iter().any(|row| row.contains("letters do not fit")), "{small:#?}");
    for (width, height) in [(1, 1), (0, 0), (3, 40)] {
        moment.rows(width, height);
    }
    moment.step = Step::Answer(line);
    moment.board.awaits_line(false);
    assert!(moment.rows(60, 16).iter().any(|row| row.contains("Send this line back")));
    moment.snapshot.phase = Phase::Connected;
    assert!(moment.rows(60, 16).iter().all(|row| !row.contains("ringback1")), "the call has the place");
}

#[test]
fn the_code_of_a_line_is_shown_whole_or_not_at_all_and_the_line_comes_back() {
    let line = format!("ringback1-offer-{}", "AbCd-123_".repeat(60));
    let code = crate::serve::code(&line).expect("short enough");
    let (width, height) = (code.lines().next().expect("rows").chars().count(), code.lines().count());
    let mut moment = Moment::at(Phase::Negotiating);
    (moment.step, moment.code) = (Step::Offer(line), Some(code.clone()));
    moment.board.awaits_line(true);
    assert!(moment.rows(100, 60).iter().any(|row| row.starts_with("ringback1-offer")));
    assert!(moment.rows(100, 60)[59].contains("Ctrl-K shows it as a code"));
    moment.board.stroke(Stroke::Code, &moment.snapshot);
    let is_shown = |columns: usize, rows: usize| {
        let screen = moment.rows(u16::try_from(columns).expect("small"), u16::try_from(rows).expect("small"));
        assert!(!screen.iter().any(|row| row.contains("ringback1")), "the letters lie below the code");
        let inked: Vec<_> = screen.iter().filter(|row| row.contains('\u{2588}')).map(|row| row.trim()).collect();
        let expected: Vec<_> = code.lines().map(str::trim).filter(|row| !row.is_empty()).collect();
        let says = screen.iter().any(|row| row.contains("The code of your line needs"));
        // The meters have such signs too.
        let whole = expected.iter().all(|row| inked.contains(row) || !row.contains('\u{2588}'));
        assert!(whole != says, "{screen:#?}");
        whole
    };
    // Head, meters and keys take three rows.
    for (columns, rows, shown) in [
        (width, height + 3, true),
        (width + 30, height + 9, true),
        (width - 1, height + 3, false),
        (width, height + 2, false),
        (80, 24, false),
    ] {
        assert_eq!(is_shown(columns, rows), shown, "{columns}x{rows}");
    }
    for (columns, rows) in [(0, 0), (1, 1), (3, 40)] {
        moment.rows(columns, rows);
    }
    moment.code = None;
    assert!(moment.rows(80, 24).iter().any(|row| row.contains("too long for a code")));
    moment.board.stroke(Stroke::Code, &moment.snapshot);
    assert!(moment.rows(100, 60).iter().any(|row| row.starts_with("ringback1-offer")));
}
