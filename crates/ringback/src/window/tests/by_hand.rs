//! A call without a server: the line for the other is shown and copied, the line that comes back is pasted.

use call_engine::{Line, Phase, Protocol};

use super::*;
use crate::face::{ByHand, Step};

fn line() -> String {
    Line::offer("ours").to_text()
}

/// A call in which this step is shown.
fn at(step: Step) -> (Stand, Engine, ByHand) {
    let manner = Manner { one_call: true, unattended: false };
    let mut stand = Stand::with(Some(choice("kitchen")), manner, |builder| builder);
    let by_hand = ByHand::at(step);
    let (engine, handset) = Engine::call("kitchen", in_phase(Phase::Negotiating));
    stand.hear(News::Placed(Handset { by_hand: Some(by_hand.clone()), ..handset }));
    (stand, engine, by_hand)
}

#[test]
fn it_needs_no_room_and_begins_on_the_start_page() {
    let mut stand = Stand::start();
    stand.harness.get_by_role_and_label(Role::RadioButton, "At a server").click();
    stand.harness.run();
    stand.harness.get_by_role_and_label(Role::TextInput, "Server address").focus();
    stand.harness.run();
    stand.write("manual");
    assert!(stand.says("you and the other exchange two lines"));
    stand.click("Call");
    let Ok(Wish::Call(choice)) = stand.wishes.try_recv() else { panic!("no call was wished for") };
    assert_eq!(choice.room, None);
    assert!(choice.server.is_some_and(|server| server.protocol == Protocol::Manual));
}

#[test]
fn the_line_is_shown_and_copied_and_the_other_one_is_pasted_into_the_field() {
    let (mut stand, mut engine, by_hand) = at(Step::Offer(line()));
    let shown = stand.harness.get_by_role_and_label(Role::MultilineTextInput, "Line for the other").value();
    assert_eq!(shown.as_deref(), Some(line().as_str()));
    assert!(stand.shows(Role::Image, "Code of the line, for the camera of the other's machine"));
    stand.harness.get_by_role_and_label(Role::Button, "Copy the line").click();
    stand.harness.step();
    let copied =
        |output: &egui::OutputCommand| matches!(output, egui::OutputCommand::CopyText(text) if *text == line());
    assert!(stand.harness.output().platform_output.commands.iter().any(copied));
    stand.harness.run();

    let field = "Then paste the line that comes back (or the other's first line, if that is here before):";
    stand.harness.get_by_role_and_label(Role::TextInput, field).focus();
    stand.harness.run();
    stand.harness.event(egui::Event::Paste("good evening".into()));
    stand.harness.run();
    stand.press(Key::Enter);
    assert!(stand.says("That is not a line of a call"));
    stand.harness.get_by_role_and_label(Role::TextInput, field).focus();
    stand.harness.run();
    let theirs = Line::offer("theirs").to_text();
    let (first, rest) = theirs.split_at(20);
    stand.harness.event(egui::Event::Paste(format!("{first}\n{rest}")));
    stand.harness.run();
    stand.click("Take the line");
    assert_eq!(by_hand.step(), Step::Taken);
    assert!(!stand.shows(Role::Button, "Copy the line"));
    assert_eq!(engine.obey(), [], "what is pasted is no key");
}

#[test]
fn an_answer_is_shown_without_a_field_until_the_call_begins() {
    let (mut stand, engine, _by_hand) = at(Step::Answer(line()));
    assert!(stand.says("Send this line back") && !stand.shows(Role::Button, "Take the line"));
    engine.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Connected);
    stand.harness.run();
    assert!(!stand.says("Send this line back"));
}
