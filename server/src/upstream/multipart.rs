//! The form of an upload (RFC 7578), read as it comes: of a file its length and its head are kept, nothing else.

use std::collections::BTreeMap;

/// The longest value of a field that is not a file.
const VALUE_MAX: usize = 4096;
/// The longest head of a part.
const HEAD_MAX: usize = 8192;
/// Parts that a form may have.
const PARTS_MAX: usize = 64;
/// Bytes of a file that are kept: a WAV file says how long it is in its first 44.
const KEPT: usize = 64;

/// A form that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Form {
    /// Fields that are not files.
    pub fields: BTreeMap<String, String>,
    /// The file.
    pub file: Option<Upload>,
}

/// A file of a form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upload {
    /// Its length in bytes.
    pub size: u64,
    /// How it begins.
    pub head: Vec<u8>,
}

impl Upload {
    /// How many seconds a WAV file plays, by its own head and its size; none for any other file.
    #[must_use]
    pub fn wav_seconds(&self) -> Option<f64> {
        let head = self.head.get(..44)?;
        let is_wav = head.starts_with(b"RIFF") && &head[8..12] == b"WAVE" && &head[12..16] == b"fmt ";
        let rate = u32::from_le_bytes(head[28..32].try_into().ok()?);
        (is_wav && rate > 0).then(|| self.size.saturating_sub(44) as f64 / f64::from(rate))
    }
}

/// What comes next.
#[derive(Debug)]
enum At {
    /// Whatever stands before the first part.
    Preamble,
    /// Behind a boundary: the end, or a part's head.
    Boundary,
    Head,
    Field(String, Vec<u8>),
    File(Upload),
    End,
}

/// Reads a form piece by piece.
#[derive(Debug)]
pub struct Reader {
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    at: At,
    parts: usize,
    form: Form,
}

impl Reader {
    /// For the value of a `content-type` header; none where it is not a form's.
    #[must_use]
    pub fn new(content_type: &str) -> Option<Self> {
        let (kind, parameters) = content_type.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("boundary")
                .then(|| value.trim().trim_matches('"'))
        })?;
        if boundary.is_empty() || boundary.len() > 70 {
            return None;
        }
        Some(Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // The first boundary may stand at the very beginning.
            buffer: b"\r\n".to_vec(),
            at: At::Preamble,
            parts: 0,
            form: Form::default(),
        })
    }

    /// Takes up the next piece.
    ///
    /// # Errors
    /// What is wrong with the form.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        self.buffer.extend_from_slice(piece);
        while self.step()? {}
        Ok(())
    }

    /// The form.
    ///
    /// # Errors
    /// When its end has not come.
    pub fn end(self) -> Result<Form, &'static str> {
        match self.at {
            At::End => Ok(self.form),
            _ => Err("the form breaks off"),
        }
    }

    /// Goes on by one state; false when more has to come first.
    fn step(&mut self) -> Result<bool, &'static str> {
        match &mut self.at {
            At::End => {
                self.buffer.clear();
                Ok(false)
            }
            At::Boundary => {
                let Some(next) = self.buffer.get(..2) else {
                    return Ok(false);
                };
                self.at = match next {
                    b"--" => At::End,
                    b"\r\n" => At::Head,
                    _ => return Err("a boundary is followed by something else"),
                };
                self.buffer.drain(..2);
                Ok(true)
            }
            At::Head => {
                let Some(length) = find(&self.buffer, b"\r\n\r\n") else {
                    return if self.buffer.len() > HEAD_MAX {
                        Err("the head of a part is too long")
                    } else {
                        Ok(false)
                    };
                };
                self.parts += 1;
                if self.parts > PARTS_MAX {
                    return Err("the form has too many parts");
                }
                let head = String::from_utf8_lossy(&self.buffer[..length]).into_owned();
                let (name, is_file) = disposition(&head).ok_or("a part has no name")?;
                self.at = if is_file {
                    At::File(Upload::default())
                } else {
                    At::Field(name, Vec::new())
                };
                // The last two bytes stay: an empty part's boundary begins with them.
                self.buffer.drain(..length + 2);
                // Of the four that ended the head, only the line break before the body is left; it is no part of it.
                self.skip_break()
            }
            At::Preamble | At::Field(..) | At::File(_) => self.body(),
        }
    }

    /// Behind a head: the body begins after the line break, unless that is the boundary's own.
    fn skip_break(&mut self) -> Result<bool, &'static str> {
        // A boundary directly behind the head is written as an empty body, with a line break of its own.
        self.buffer.drain(..2);
        if self.buffer.starts_with(&self.delimiter[2..]) {
            self.buffer.splice(..0, *b"\r\n");
        }
        Ok(true)
    }

    fn body(&mut self) -> Result<bool, &'static str> {
        let found = find(&self.buffer, &self.delimiter);
        let length = found.unwrap_or_else(|| self.buffer.len().saturating_sub(self.delimiter.len() - 1));
        let body = &self.buffer[..length];
        match &mut self.at {
            At::Field(_, value) => {
                if value.len() + length > VALUE_MAX {
                    return Err("a field is too long");
                }
                value.extend_from_slice(body);
            }
            At::File(upload) => {
                upload.size += length as u64;
                let more = KEPT.saturating_sub(upload.head.len()).min(length);
                upload.head.extend_from_slice(&body[..more]);
            }
            _ => {}
        }
        self.buffer.drain(..length);
        if found.is_none() {
            return Ok(false);
        }
        self.buffer.drain(..self.delimiter.len());
        match std::mem::replace(&mut self.at, At::Boundary) {
            At::Field(name, value) => {
                let value = String::from_utf8(value).map_err(|_| "a field is not text")?;
                self.form.fields.insert(name, value);
            }
            At::File(upload) => self.form.file = Some(upload),
            _ => {}
        }
        Ok(true)
    }
}

/// The name of a part, and whether it is a file.
fn disposition(head: &str) -> Option<(String, bool)> {
    let line = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (mut name, mut is_file) = (None, false);
    for parameter in line.split(';').skip(1) {
        let (key, value) = parameter.split_once('=')?;
        match key.trim() {
            "name" => name = Some(value.trim().trim_matches('"').to_owned()),
            "filename" | "filename*" => is_file = true,
            _ => {}
        }
    }
    Some((name?, is_file))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(file: &[u8]) -> Vec<u8> {
        let mut form = b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
            .to_vec();
        form.extend_from_slice(file);
        form.extend_from_slice(b"\r\n--b--\r\n");
        form
    }

    fn read(form: &[u8], size: usize) -> Result<Form, &'static str> {
        let mut reader = Reader::new("multipart/form-data; boundary=b").expect("a form");
        for piece in form.chunks(size) {
            reader.take(piece)?;
        }
        reader.end()
    }

    // Lost if broken: a recording whose length depends on how its bytes came over the wire.
    #[test]
    fn a_form_is_the_same_however_it_is_cut() {
        // With line breaks and beginnings of a boundary inside.
        let file: Vec<u8> = b"RIFF\r\n--\r\n--a\r\n\r\n"
            .iter()
            .copied()
            .cycle()
            .take(3000)
            .collect();
        for size in [1, 2, 3, 7, 64, 5000] {
            let form = read(&form(&file), size).expect("a form");
            assert_eq!(
                form.fields.get("model").map(String::as_str),
                Some("whisper-1"),
                "{size}"
            );
            let upload = form.file.expect("a file");
            assert_eq!((upload.size, upload.head.as_slice()), (3000, &file[..KEPT]), "{size}");
        }
        for size in [1, 2, 5000] {
            assert_eq!(
                read(&form(b""), size).map(|form| form.file),
                Ok(Some(Upload::default())),
                "{size}"
            );
        }
    }

    #[test]
    fn a_wav_file_says_how_long_it_is() {
        let mut head = b"RIFF....WAVEfmt ".to_vec();
        head.extend_from_slice(&[0; 12]);
        head.extend_from_slice(&8000u32.to_le_bytes());
        head.extend_from_slice(&[0; 12]);
        let upload = Upload {
            size: 44 + 16_000,
            head,
        };
        assert_eq!(upload.wav_seconds(), Some(2.0));
        assert_eq!(Upload { size: 9, head: vec![] }.wav_seconds(), None);
    }

    // Lost if broken: memory that an upload can fill, or a form that is half of one.
    #[test]
    fn what_is_no_form_is_refused() {
        assert!(Reader::new("application/json").is_none());
        assert!(Reader::new("multipart/form-data; charset=utf-8").is_none());
        assert!(Reader::new("multipart/form-data; boundary=").is_none());
        assert_eq!(read(&form(b"x")[..60], 7), Err("the form breaks off"));
        assert_eq!(read(b"--b\r\n\r\n\r\nx\r\n--b--", 100), Err("a part has no name"));
        assert_eq!(read(b"--bad\r\n", 100), Err("a boundary is followed by something else"));
        let long = [
            b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n".as_slice(),
            &[b'x'; 5000],
        ]
        .concat();
        assert_eq!(read(&long, 100), Err("a field is too long"));
        let head = [b"--b\r\n".as_slice(), &[b'x'; 9000]].concat();
        assert_eq!(read(&head, 100), Err("the head of a part is too long"));
        // What is in front of the first boundary is kept nowhere.
        let mut reader = Reader::new("multipart/form-data; boundary=b").expect("a form");
        for _ in 0..1000 {
            reader.take(&[b'x'; 1000]).expect("a preamble");
        }
        assert!(reader.buffer.len() < 10);
    }
}
