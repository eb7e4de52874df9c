//! Splits server-sent events, and the lines of a text that arrives in pieces.

/// Splits a body into the data of its events. Bytes are read as text only when their line is complete, so a
/// character that is split across chunks stays whole.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    /// The data lines of an event whose end has not arrived.
    data: Option<String>,
}

impl Events {
    /// Returns the data of the events that this piece completes.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for &byte in piece {
            // The standard also allows a lone CR as a line end, but no known server sends it.
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            events.extend(self.end_line());
        }
        events
    }

    /// Returns the last event if the body ended without an empty line.
    pub(super) fn finish(&mut self) -> Option<String> {
        let last = self.end_line();
        last.or_else(|| self.data.take())
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            return self.data.take();
        }
        // Comments (`: keep-alive`), `event:`, `id:` and `retry:` are not needed.
        if let Some(data) = line.strip_prefix("data:") {
            let data = data.strip_prefix(' ').unwrap_or(data);
            match &mut self.data {
                // If the data so far is a whole object, the server left out the empty line between two
                // events.
                Some(known) if serde_json::from_str::<serde_json::Value>(known).is_ok() => {
                    return self.data.replace(data.to_owned());
                }
                Some(known) => {
                    known.push('\n');
                    known.push_str(data);
                }
                None => self.data = Some(data.to_owned()),
            }
        }
        None
    }
}

/// Reports each line of a growing text once, when it is complete.
#[derive(Debug, Default)]
pub(super) struct Lines {
    told: usize,
}

impl Lines {
    /// Reports the lines that are now complete.
    pub(super) fn grown(&mut self, text: &str, tell: &dyn Fn(&str)) {
        // A closing tag may later show that a reported line was thinking and not part of the text.
        if !text.is_char_boundary(self.told) {
            self.told = 0;
        }
        while let Some(end) = text[self.told..].find('\n') {
            tell(text[self.told..self.told + end].trim_end_matches('\r'));
            self.told += end + 1;
        }
    }

    /// Reports the last line, which has no line end.
    pub(super) fn finish(&mut self, text: &str, tell: &dyn Fn(&str)) {
        self.grown(text, tell);
        if self.told < text.len() {
            tell(text[self.told..].trim_end_matches('\r'));
            self.told = text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        let mut found: Vec<String> = pieces.iter().flat_map(|piece| events.push(piece)).collect();
        found.extend(events.finish());
        found
    }

    #[test]
    fn events_of_many_servers() {
        assert_eq!(all(&[b"data: {\"a\":1}\n\ndata: [DONE]\n\n"]), ["{\"a\":1}", "[DONE]"]);
        assert_eq!(all(&[b": hi\r\nevent: x\r\ndata:1\r\n\r\ndata: 2"]), ["1", "2"]);
        assert_eq!(all(&[b"data: {\"a\":\ndata: 1}\n\n"]), ["{\"a\":\n1}"]);
        assert_eq!(all(&[b"data: {}\ndata: {\"b\":2}\n"]), ["{}", "{\"b\":2}"]);
        assert_eq!(all(&[b"<html>\nno events\n"]), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn events_do_not_depend_on_the_pieces(texts in prop::collection::vec("[^\r\n]{1,40}", 1..6), cuts in prop::collection::vec(0_usize..400, 0..20)) {
            let body: String = texts.iter().map(|text| format!("data: {}\n\n", serde_json::json!(text))).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (body.len() + 1)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut start = 0;
            for cut in cuts.into_iter().chain([body.len()]) {
                pieces.push(&body.as_bytes()[start..cut]);
                start = cut;
            }
            let found: Vec<String> = all(&pieces).iter().map(|data| serde_json::from_str(data).unwrap()).collect();
            prop_assert_eq!(found, texts);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            all(&[&bytes]);
        }

        #[test]
        fn each_line_is_reported_once(pieces in prop::collection::vec("[a-zé\n]{0,9}", 0..12)) {
            let told = RefCell::new(Vec::new());
            let tell = |line: &str| told.borrow_mut().push(line.to_owned());
            let (mut text, mut lines) = (String::new(), Lines::default());
            for piece in &pieces {
                text.push_str(piece);
                lines.grown(&text, &tell);
            }
            lines.finish(&text, &tell);
            let expected: Vec<&str> = text.lines().collect();
            prop_assert_eq!(told.into_inner(), expected);
        }
    }
}
