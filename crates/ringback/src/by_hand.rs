//! A call without a server, as two people see it: a line to give to the other, as text and as a QR code, and one to paste.
//! The lines go to the terminal alone. Once they are exchanged, what is typed is chat.

use std::io::{BufRead, IsTerminal as _, Read as _, Write as _};

use call_engine::{Command, Pasted, Shown};
use tokio::sync::mpsc;

use crate::face::ByHand;
use crate::{serve, terminal};

/// Longest line of input that is looked at, in bytes. Lines of a call are shorter, and the rest of a longer one is skipped.
const MOST_BYTES: usize = call_engine::MAX_LINE;

/// A desk whose lines are shown on the terminal.
pub(crate) fn on_terminal() -> ByHand {
    ByHand::new(|shown| match shown {
        Shown::Offer(line) => {
            terminal::line("send this line to the other, who runs ringback call --server manual and pastes it:");
            show(line);
            terminal::line(
                "then paste here the line that comes back (or the other's first line, if that is here before):",
            );
        }
        Shown::Answer(line) => {
            terminal::line(
                "send this line back (your own first line counts no more); the call begins when it is pasted:",
            );
            show(line);
        }
    })
}

/// The line alone on standard output, so that it can be copied or piped; the code for a person at a terminal only.
fn show(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // A reader that went away is no reason to end a call.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    drop(stdout);
    if std::io::stderr().is_terminal() {
        serve::show_code(line);
    }
}

/// Takes the other's line from standard input, and what comes afterwards as chat, from a thread of its own: reading blocks, and
/// cannot be cancelled.
pub(crate) fn lines_from_stdin(by_hand: ByHand, commands: mpsc::Sender<Command>, chat: bool) {
    let spawned = std::thread::Builder::new().name("lines".into()).spawn(move || {
        read(&mut std::io::stdin().lock(), &by_hand, |text| !chat || terminal::send_chat(&commands, text));
        by_hand.desk().input_ended();
    });
    if spawned.is_err() {
        terminal::warn("no line can be pasted: no thread could be started for it");
    }
}

/// Reads to the end, or until `say` has nobody to say it to.
fn read(input: &mut impl BufRead, by_hand: &ByHand, mut say: impl FnMut(&str) -> bool) {
    while let Some(text) = next_line(input) {
        match by_hand.take(&text) {
            Pasted::Taken | Pasted::Empty => {}
            Pasted::Refused(error) => terminal::warn(&error.to_string()),
            Pasted::NotAwaited => {
                if !say(&text) {
                    return;
                }
            }
        }
    }
}

/// The next line, or as much of it as one byte more than [`MOST_BYTES`].
fn next_line(input: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MOST_BYTES + 1).expect("a small number");
    input.by_ref().take(limit).read_until(b'\n', &mut bytes).ok().filter(|&read| read > 0)?;
    if bytes.last() != Some(&b'\n') && bytes.len() > MOST_BYTES {
        skip_line(input);
    }
    Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
}

/// Skips what is left of a line, without keeping it.
fn skip_line(input: &mut impl BufRead) {
    while let Ok(rest) = input.fill_buf()
        && !rest.is_empty()
    {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(rest.len(), |end| end + 1);
        input.consume(length);
        if end.is_some() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_whole() {
        let text = format!("{}\nhello\r\nlast", "x".repeat(5 * MOST_BYTES));
        let mut input = text.as_bytes();
        assert_eq!(next_line(&mut input).map(|line| line.len()), Some(MOST_BYTES + 1));
        assert_eq!(next_line(&mut input).as_deref(), Some("hello"));
        assert_eq!(next_line(&mut input).as_deref(), Some("last"));
        assert_eq!(next_line(&mut input), None);
    }
}
