//! Server-sent events, read as they come (the WHATWG's "event stream" format): of each event its data.

/// The longest event.
const EVENT_MAX: usize = 256 * 1024;

/// Cuts bytes into events.
#[derive(Debug, Default)]
pub struct Events {
    buffer: Vec<u8>,
    /// Bytes of the buffer in which no line end was found.
    searched: usize,
    data: Vec<u8>,
    has_data: bool,
}

/// An event is longer than is taken.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Events {
    /// Takes up more bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The data of the next event that is whole.
    ///
    /// # Errors
    /// When an event is too long.
    pub fn next_event(&mut self) -> Result<Option<String>, TooLong> {
        while let Some(line) = self.next_line() {
            if line.is_empty() {
                if std::mem::take(&mut self.has_data) {
                    let data = std::mem::take(&mut self.data);
                    return Ok(Some(String::from_utf8_lossy(&data).into_owned()));
                }
                continue;
            }
            // Other fields, and comments that keep a connection alive, say nothing here.
            if let Some(data) = line.strip_prefix(b"data:") {
                if self.data.len() + data.len() > EVENT_MAX {
                    return Err(TooLong);
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
                self.has_data = true;
            }
        }
        if self.buffer.len() > EVENT_MAX {
            Err(TooLong)
        } else {
            Ok(None)
        }
    }

    /// The next whole line without its end: a line feed, with or without a carriage return before it.
    fn next_line(&mut self) -> Option<Vec<u8>> {
        let found = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n');
        let Some(found) = found else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + found;
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        self.searched = 0;
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], size: usize) -> Result<Vec<String>, TooLong> {
        let mut events = Events::default();
        let mut all = Vec::new();
        for piece in text.chunks(size) {
            events.take(piece);
            while let Some(event) = events.next_event()? {
                all.push(event);
            }
        }
        Ok(all)
    }

    // Lost if broken: words of an answer, wherever the network cuts it.
    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let text =
            "data: {\"a\":\"é\"}\n\n: alive\n\nevent: x\r\ndata:two\r\ndata: lines\r\n\r\n\n\ndata\ndata: [DONE]\n\n";
        for size in 1..text.len() {
            assert_eq!(
                read(text.as_bytes(), size),
                Ok(vec![
                    "{\"a\":\"é\"}".to_owned(),
                    "two\nlines".to_owned(),
                    "[DONE]".to_owned()
                ]),
                "{size}"
            );
        }
        // What is not ended is no event.
        assert_eq!(read(b"data: x\n", 3), Ok(vec![]));
        assert_eq!(read(b"data: \xff\n\n", 3), Ok(vec!["\u{fffd}".to_owned()]));
    }

    // Lost if broken: memory that an answer without a line end can fill.
    #[test]
    fn an_event_has_a_bound() {
        assert_eq!(read(&vec![b'x'; 2 * EVENT_MAX], 4096), Err(TooLong));
        let lines = b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".repeat(EVENT_MAX / 16);
        assert_eq!(read(&lines, 4096), Err(TooLong));
    }
}
