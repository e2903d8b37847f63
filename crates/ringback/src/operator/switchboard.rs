//! Where wishes come in, from the window and from scripts alike, and where both are told what became of them.
//! What needs no call is done here at once; the rest is handed to the operator, one wish after the other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use call_engine::{AudioSink, Playing, Preview, Snapshot};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::control::{Ask, CallErrand, Control, Errand, Media, Order};
use crate::face::{Page, PageName};
use crate::window::{self, Choice, Context, Listened, News, Remembered, Wish};
use crate::{cli, terminal};

/// What the operator is asked for.
pub(super) enum Wanted {
    /// Place this call, once the one before is over; a script may say whether it takes a call without asking.
    Call(Box<Choice>, Option<bool>),
    /// Give up the call that is being placed, or hang up.
    Cancel,
    /// End everything.
    Leave,
}

/// The window's end.
pub(crate) struct Front {
    pub(crate) wishes: mpsc::Receiver<Wish>,
    pub(crate) news: std::sync::mpsc::Sender<News>,
    pub(crate) context: Context,
    /// Whether the window has the person's attention.
    pub(crate) focused: watch::Receiver<bool>,
}

/// The scripts' end.
pub(crate) struct Scripts {
    pub(crate) control: Control,
    pub(crate) asks: mpsc::Receiver<Ask>,
}

/// Both ends, where there are any, and what is known between two calls.
pub(crate) struct Switchboard {
    front: Option<Front>,
    asks: Option<mpsc::Receiver<Ask>>,
    pub(super) control: Option<Control>,
    page: watch::Sender<Page>,
    listened: Listened,
    remembered: Arc<Mutex<Remembered>>,
    /// What the next call has where nothing else is said, and whether it is taken without asking.
    last: Choice,
    auto_accept: Option<bool>,
    was_called: bool,
    /// The state of the call that there is.
    on_call: Option<watch::Receiver<Snapshot>>,
    preview: Option<Preview>,
    test_sound: Option<Playing>,
}

impl Switchboard {
    /// `last` was chosen before the first call.
    pub(crate) fn new(
        front: Option<Front>,
        scripts: Option<Scripts>,
        remembered: Arc<Mutex<Remembered>>,
        last: Choice,
    ) -> Self {
        let (control, asks) = scripts.map(|scripts| (scripts.control, scripts.asks)).unzip();
        Self {
            front,
            asks,
            page: control.as_ref().map(Control::page).unwrap_or_default(),
            listened: control.as_ref().map(Control::listened).unwrap_or_default(),
            control,
            remembered,
            last,
            auto_accept: None,
            was_called: false,
            on_call: None,
            preview: None,
            test_sound: None,
        }
    }

    /// The window's context, where there is a window.
    pub(super) fn context(&self) -> Option<&Context> {
        self.front.as_ref().map(|front| &front.context)
    }

    /// Whether the window has the person's attention; nothing where there is no window.
    pub(super) fn focused(&self) -> Option<watch::Receiver<bool>> {
        self.front.as_ref().map(|front| front.focused.clone())
    }

    /// The next wish for the operator. `None`, once: the window is gone, or could not be opened. May be dropped at any time.
    pub(super) async fn wanted(&mut self) -> Option<Wanted> {
        loop {
            tokio::select! {
                wish = wish(&mut self.front) => match wish {
                    Some(Wish::Call(choice)) => {
                        self.auto_accept = None;
                        return Some(Wanted::Call(choice, None));
                    }
                    Some(Wish::Cancel) => return Some(Wanted::Cancel),
                    Some(Wish::StartPage) if self.is_at(PageName::Ended) => self.turn(PageName::Start, None),
                    Some(Wish::StartPage) => {}
                    Some(Wish::Leave) => return Some(Wanted::Leave),
                    None => {
                        self.front = None;
                        return None;
                    }
                },
                ask = ask(&mut self.asks) => {
                    let (answer, wanted) = match self.asked(ask.errand) {
                        Ok((answer, wanted)) => (Ok(answer), wanted),
                        Err(error) => (Err(error), None),
                    };
                    // A script that went away wants no answer.
                    let _ = ask.answer.send(answer);
                    if wanted.is_some() {
                        return wanted;
                    }
                }
            }
        }
    }

    /// Tells the window.
    pub(super) fn tell(&self, news: News) {
        let Some(front) = &self.front else { return };
        // A window that is closed wants no news.
        let _ = front.news.send(news);
        if let Some(context) = front.context.get() {
            context.request_repaint();
        }
    }

    /// This call is being placed: nothing else may hold its devices.
    pub(super) fn placing(&mut self, choice: &Choice) {
        (self.preview, self.was_called) = (None, true);
        self.last = choice.clone();
        if self.front.is_none() {
            self.known().called(choice);
        }
        self.turn(PageName::Placing, choice.room.as_ref().map(ToString::to_string));
    }

    /// It was not placed: for this reason, or because it was given up.
    pub(super) fn not_placed(&mut self, reason: Option<String>) {
        self.turn(PageName::Start, None);
        self.page.send_modify(|page| page.error.clone_from(&reason));
        self.tell(reason.map_or(News::Cancelled, News::Refused));
    }

    /// It was placed, and this is its state.
    pub(super) fn placed(&mut self, snapshot: watch::Receiver<Snapshot>) {
        self.on_call = Some(snapshot);
    }

    /// It is over: what was switched in it stays so.
    pub(super) fn over(&mut self) {
        let Some(snapshot) = self.on_call.take() else { return };
        let media = &snapshot.borrow().media;
        self.last.video_in = media.video_in.clone();
        self.last.audio_in = media.audio_in.clone();
        self.last.audio_out = media.audio_out.clone();
    }

    fn asked(&mut self, errand: Errand) -> Result<(Value, Option<Wanted>), String> {
        let done = (json!({}), None);
        match errand {
            Errand::Call(call) => self.call(*call),
            Errand::CallAgain => self.call_again(),
            Errand::GiveUp if self.is_at(PageName::Placing) => Ok((json!({}), Some(Wanted::Cancel))),
            Errand::GiveUp => Err("there is no call".to_owned()),
            Errand::StartPage => {
                self.free()?;
                self.turn(PageName::Start, None);
                self.tell(News::Order(Order::StartPage));
                Ok(done)
            }
            Errand::Preview(media) => self.look(media).map(|()| done),
            Errand::TestSound(sink) => {
                self.test(sink);
                Ok(done)
            }
            Errand::Rooms => Ok((json!({ "rooms": self.known().rooms }), None)),
            Errand::Window(order) => {
                let front = self.front.as_ref().ok_or("there is no window")?;
                match order {
                    Order::Raise => window::raiser(front.context.clone())(),
                    order => self.tell(News::Order(order)),
                }
                Ok(done)
            }
            Errand::Quit => Ok((json!({}), Some(Wanted::Leave))),
        }
    }

    fn call(&mut self, call: CallErrand) -> Result<(Value, Option<Wanted>), String> {
        self.free()?;
        let auto_accept = call.auto_accept;
        let choice = call.choice(&self.last);
        if cli::place(choice.room.as_ref(), choice.server.as_ref()).is_none() {
            return Err("`call` needs `room`: there is a server without rooms for a call without one only".to_owned());
        }
        self.auto_accept = auto_accept;
        Ok(self.begin(choice))
    }

    fn call_again(&mut self) -> Result<(Value, Option<Wanted>), String> {
        self.free()?;
        if !self.was_called {
            return Err("no call was placed yet: ask for `call`".to_owned());
        }
        let last = self.last.clone();
        Ok(self.begin(last))
    }

    fn begin(&self, choice: Choice) -> (Value, Option<Wanted>) {
        let choice = Box::new(choice);
        self.tell(News::Order(Order::Placing(choice.clone())));
        (json!({}), Some(Wanted::Call(choice, self.auto_accept)))
    }

    /// Opens camera and microphone, or lets them go. What is looked at now is what the next call has.
    fn look(&mut self, media: Option<Media>) -> Result<(), String> {
        self.free()?;
        let choice = media.map(|media| media.choice(&self.last));
        if let Some(choice) = &choice {
            self.last = choice.clone();
        }
        if self.front.is_some() {
            self.tell(News::Order(Order::Preview(choice.map(Box::new))));
            return Ok(());
        }
        // What is open is let go first: a camera may be opened once only.
        self.preview = None;
        self.preview = choice.map(|choice| Preview::open(choice.video_in, choice.audio_in, choice.format, None));
        if let Some(preview) = &self.preview {
            self.listened.listen(&preview.levels());
        }
        Ok(())
    }

    fn test(&mut self, sink: Option<AudioSink>) {
        let Some(control) = &self.control else { return };
        let in_call = self.on_call.as_ref().map(|snapshot| snapshot.borrow().media.audio_out.clone());
        let sink = sink.or(in_call).unwrap_or_else(|| self.last.audio_out.clone());
        let problem = control.problem();
        let failed = move |reason: String| {
            terminal::warn(&reason);
            problem(reason);
        };
        self.test_sound = Some(Playing::start(sink, window::TEST, false, failed));
    }

    /// Makes sure that another call can be placed.
    fn free(&mut self) -> Result<(), String> {
        if self.is_at(PageName::Placing) || self.is_at(PageName::Call) {
            return Err("there is a call already: hang up before".to_owned());
        }
        // Its last figures may still be written.
        self.over();
        Ok(())
    }

    fn is_at(&self, page: PageName) -> bool {
        self.page.borrow().name == page
    }

    fn turn(&self, name: PageName, room: Option<String>) {
        self.page.send_modify(|page| page.turn(name, room));
    }

    fn known(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The window's next wish; never, where there is no window.
async fn wish(front: &mut Option<Front>) -> Option<Wish> {
    match front {
        Some(front) => front.wishes.recv().await,
        None => std::future::pending().await,
    }
}

/// The next errand of a script; never, where there is no control socket.
async fn ask(asks: &mut Option<mpsc::Receiver<Ask>>) -> Ask {
    if let Some(asks) = asks
        && let Some(ask) = asks.recv().await
    {
        return ask;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::fixture::choice;
    use control_codec::{CallWish, MediaWish};

    fn board(front: Option<Front>) -> Switchboard {
        let last = Choice { room: None, ..choice("kitchen") };
        Switchboard::new(front, None, Arc::default(), last)
    }

    fn call(room: Option<&str>) -> Errand {
        let wish = CallWish { room: room.map(str::to_owned), auto_accept: Some(true), ..CallWish::default() };
        Errand::Call(Box::new(CallErrand::read(wish).expect("well spelled")))
    }

    fn refusal(board: &mut Switchboard, errand: Errand) -> String {
        match board.asked(errand) {
            Ok(_) => panic!("it was granted"),
            Err(error) => error,
        }
    }

    #[test]
    fn a_program_without_a_window_places_calls_and_says_what_it_cannot_do() {
        let mut board = board(None);
        assert!(refusal(&mut board, Errand::CallAgain).contains("no call was placed yet"));
        assert!(refusal(&mut board, Errand::GiveUp).contains("no call"));
        assert!(refusal(&mut board, Errand::Window(Order::Swap)).contains("no window"));
        assert!(refusal(&mut board, call(None)).contains("`room`"));
        let Ok((_, Some(Wanted::Call(chosen, auto_accept)))) = board.asked(call(Some("studio"))) else {
            panic!("refused")
        };
        assert_eq!((*chosen, auto_accept), (choice("studio"), Some(true)));
        board.placing(&choice("studio"));
        let mut snapshot = Snapshot::default();
        snapshot.media.audio_in = call_engine::AudioSource::None;
        board.placed(watch::channel(snapshot).1);
        for errand in [call(Some("garden")), Errand::CallAgain, Errand::StartPage, Errand::Preview(None)] {
            assert!(refusal(&mut board, errand).contains("there is a call already"));
        }
        assert!(matches!(board.asked(Errand::GiveUp), Ok((_, Some(Wanted::Cancel)))));
        board.not_placed(Some("no server answers".into()));
        assert_eq!(board.page.borrow().error.as_deref(), Some("no server answers"));
        // The operator still writes the report of the last call.
        let again = board.asked(Errand::CallAgain);
        let switched = Choice { audio_in: call_engine::AudioSource::None, ..choice("studio") };
        assert!(matches!(again, Ok((_, Some(Wanted::Call(chosen, Some(true))))) if *chosen == switched));
        let rooms = board.asked(Errand::Rooms).map(|(answer, _)| answer);
        assert_eq!(rooms, Ok(json!({ "rooms": ["studio"] })));
        assert!(matches!(board.asked(Errand::Quit), Ok((_, Some(Wanted::Leave)))));
    }

    #[tokio::test]
    async fn a_window_shows_what_scripts_place_and_a_persons_call_takes_none_of_their_manners() {
        let (wish, wishes) = mpsc::channel(1);
        let (news, heard) = std::sync::mpsc::channel();
        let focused = watch::channel(true).1;
        let mut board = board(Some(Front { wishes, news, context: Context::default(), focused }));
        let media = MediaWish { video_source: Some("test".into()), ..MediaWish::default() };
        assert!(board.asked(Errand::Preview(Some(Media::read(media).expect("well spelled")))).is_ok());
        let Ok(News::Order(Order::Preview(Some(looked_at)))) = heard.try_recv() else { panic!("not told") };
        assert!(board.asked(call(Some("studio"))).is_ok());
        let Ok(News::Order(Order::Placing(placed))) = heard.try_recv() else { panic!("not told") };
        assert_eq!(placed.video_in, looked_at.video_in, "what was looked at is what the call has");
        wish.try_send(Wish::Call(Box::new(choice("garden")))).expect("room");
        assert!(matches!(board.wanted().await, Some(Wanted::Call(_, None))), "a person is asked");
        drop(wish);
        assert!(board.wanted().await.is_none(), "the window is gone");
        assert!(refusal(&mut board, Errand::Window(Order::Swap)).contains("no window"));
    }
}
