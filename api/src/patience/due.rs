//! One request at a time: how much of what comes on a connection the framework gets to see yet.
//!
//! It decodes whatever it has, however long the answer before that takes, and over what it can't decode it forgets answers that it
//! hasn't written. So it is given a head up to its empty line; then the body, as long as the framework itself says that it is; and
//! the next head once all of the answer is written. What comes before its time stays with the client.

/// What may be handed over next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Due {
    /// A head.
    Head(Line),
    /// So many bytes of a body.
    Sized(u64),
    /// A body in chunks.
    Chunked(Chunk),
    /// Nothing, until what there is is answered.
    Nothing,
}

/// Where in a line of a head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Line {
    /// Before the first that isn't empty.
    Leading,
    Text,
    Empty,
    EmptyCr,
}

/// Where in a body of chunks, with the size of the chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Chunk {
    First,
    Size(u64),
    Space(u64),
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    EndCr,
    EndLf,
    End,
}

impl Due {
    /// A head, from its beginning.
    pub(super) const HEAD: Self = Self::Head(Line::Leading);

    /// Whether something of a body is still to come.
    pub(super) fn is_body(self) -> bool {
        matches!(self, Self::Sized(_) | Self::Chunked(_))
    }

    /// How many of these bytes are part of it, and what is due after them; none if they can't be part of anything.
    pub(super) fn take(self, bytes: &[u8]) -> Option<(usize, Self)> {
        match self {
            Self::Head(line) => Some(line.take(bytes)),
            Self::Sized(left) => {
                let count = least(left, bytes.len());
                let left = left - count as u64;
                Some((count, if left == 0 { Self::Nothing } else { Self::Sized(left) }))
            }
            Self::Chunked(chunk) => chunk.take(bytes),
            Self::Nothing => Some((0, self)),
        }
    }
}

impl Line {
    fn take(mut self, bytes: &[u8]) -> (usize, Due) {
        for (at, byte) in bytes.iter().enumerate() {
            self = match (self, byte) {
                (Self::Empty | Self::EmptyCr, b'\n') => return (at + 1, Due::Nothing),
                (Self::Empty, b'\r') => Self::EmptyCr,
                (Self::Leading, b'\r' | b'\n') => Self::Leading,
                (Self::Text, b'\n') => Self::Empty,
                _ => Self::Text,
            }
        }
        (bytes.len(), Due::Head(self))
    }
}

impl Chunk {
    fn take(mut self, bytes: &[u8]) -> Option<(usize, Due)> {
        let mut at = 0;
        while at < bytes.len() {
            if let Self::Data(left) = self {
                let count = least(left, bytes.len() - at);
                at += count;
                self = if count as u64 == left { Self::DataCr } else { Self::Data(left - count as u64) };
                continue;
            }
            self = self.after(bytes[at])?;
            at += 1;
            if self == Self::End {
                return Some((at, Due::Nothing));
            }
        }
        Some((at, Due::Chunked(self)))
    }

    /// What follows this byte, as the framework reads chunks; none if it takes that for an error.
    fn after(self, byte: u8) -> Option<Self> {
        let digit = || char::from(byte).to_digit(16).map(u64::from);
        Some(match (self, byte) {
            (Self::First, _) => Self::Size(digit()?),
            (Self::Size(size) | Self::Space(size), b' ' | b'\t') => Self::Space(size),
            (Self::Size(size) | Self::Space(size), b';') => Self::Extension(size),
            (Self::Size(size) | Self::Space(size) | Self::Extension(size), b'\r') => Self::SizeLf(size),
            (Self::Size(size), _) => Self::Size(size.checked_mul(16)? + digit()?),
            (Self::Extension(size), it) if it == b'\t' || !it.is_ascii_control() => Self::Extension(size),
            (Self::SizeLf(0) | Self::TrailerLf, b'\n') => Self::EndCr,
            (Self::SizeLf(size), b'\n') => Self::Data(size),
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::First,
            (Self::EndCr, b'\r') => Self::EndLf,
            (Self::Trailer, b'\r') => Self::TrailerLf,
            (Self::EndCr | Self::Trailer, _) => Self::Trailer,
            (Self::EndLf, b'\n') => Self::End,
            _ => return None,
        })
    }
}

fn least(left: u64, there: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(there)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: Due = Due::Chunked(Chunk::First);

    /// However it is cut in pieces, as much belongs to it; and what follows doesn't.
    fn ends(due: Due, whole: &str) {
        let bytes = format!("{whole}GET / HTTP/1.1\r\n");
        for piece in 1..bytes.len() {
            let (mut now, mut taken) = (due, 0);
            for some in bytes.as_bytes().chunks(piece) {
                let (count, then) = now.take(some).unwrap_or_else(|| panic!("{whole:?}"));
                (now, taken) = (then, taken + count);
            }
            assert_eq!((taken, now), (whole.len(), Due::Nothing), "{whole:?} {piece}");
        }
    }

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\n\r\nGET / HTTP/1.1\nHost: a\n\n",
            "a\nb\n\r\n",
            "a\r\n\r\n",
        ] {
            ends(Due::HEAD, head);
        }
        assert_eq!(Due::HEAD.take(b"a\r\n\rb\r\n"), Some((7, Due::Head(Line::Empty))));
        assert_eq!(Due::HEAD.take(b"\r\n\r\n"), Some((4, Due::HEAD)));
    }

    #[test]
    fn a_body_ends_where_it_says() {
        ends(Due::Sized(5), "\n\n\n\n\n");
        for body in [
            "0\r\n\r\n",
            "5\r\n\r\n\r\n0\r\n0\r\n\r\n",
            "00a \t;b=\"c\"\r\n0123456789\r\n0;d\r\nX: e\r\nY: f\r\n\r\n",
        ] {
            ends(BODY, body);
        }
        for (body, at) in [
            ("zz\r\n", 0),
            ("\n", 0),
            ("5\n", 1),
            ("5 1\r\n", 2),
            ("5;\0\r\n", 2),
            ("1\r\naa\r\n", 4),
            ("1\r\na\n", 4),
            ("10000000000000000\r\n", 16),
            ("0\r\n\rX", 4),
        ] {
            assert_eq!(BODY.take(body.as_bytes()), None, "{body:?}");
            assert!(BODY.take(&body.as_bytes()[..at]).is_some(), "{body:?}");
        }
    }
}
