//! The whole program, run as people run it: each file is about one part of their day, each test tells one story.
//! One binary; every scenario has the machine to itself (see `place::alone`).

mod arguments;
mod browser;
mod chat;
mod devices;
mod drivers;
mod ends;
mod engines;
mod hostile;
mod lab;
mod media;
mod media_server;
mod networks;
mod reach;
mod relays;
mod routers;
mod survival;
mod window;
