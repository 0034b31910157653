//! Response bodies: complete, or shorter than their declared length.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::filled::Filled;

/// The rest of a body.
#[derive(Debug)]
enum Rest {
    /// The data, and where it ends.
    Data(Bytes, End),
    /// Pieces that are generated while they are sent.
    Pieces(Filled),
    /// Nothing more follows, but only after everything has been sent.
    Flush,
    /// The connection breaks.
    Break,
    /// It is over.
    Done,
}

/// The end of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Broken,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Payload {
    length: u64,
    rest: Rest,
}

impl Payload {
    /// A complete body.
    pub(super) fn whole(body: String) -> Self {
        Self::new(body.len(), body.into(), End::Whole)
    }

    /// The first half of a body, with the length of the whole.
    pub(super) fn truncated(body: String) -> Self {
        let body = Bytes::from(body);
        Self::new(body.len().max(1), body.slice(..body.len() / 2), End::Broken)
    }

    /// A body of unknown length.
    pub(super) fn pieces(pieces: Filled) -> Self {
        Self {
            length: 0,
            rest: Rest::Pieces(pieces),
        }
    }

    fn new(length: usize, data: Bytes, end: End) -> Self {
        Self {
            length: length as u64,
            rest: Rest::Data(data, end),
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match std::mem::replace(&mut self.rest, Rest::Done) {
            Rest::Data(data, end) => {
                self.rest = if end == End::Whole {
                    Rest::Done
                } else {
                    Rest::Flush
                };
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Rest::Pieces(mut pieces) => {
                let piece = pieces.next();
                if piece.is_some() {
                    self.rest = Rest::Pieces(pieces);
                }
                Poll::Ready(piece.map(|piece| Ok(Frame::data(piece.into()))))
            }
            Rest::Flush => {
                // hyper writes its buffer when a body makes it wait.
                self.rest = Rest::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Rest::Break => Poll::Ready(Some(Err(io::Error::other("broken off on request")))),
            Rest::Done => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.rest, Rest::Done)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Rest::Data(..) => SizeHint::with_exact(self.length),
            _ => SizeHint::default(),
        }
    }
}
