//! Two peer connections in one process over real UDP on loopback, and what must hold between them.
//! Nothing here sleeps: every test awaits what must happen, with a time-out.

mod channels;
mod close;
mod connect;
mod hostile;
mod lonely;
mod negotiate;
mod pair;
mod relay;
mod repeat;
mod tcp;
