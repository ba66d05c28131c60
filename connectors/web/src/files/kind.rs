//! What a file is, by its first bytes and by what its sender says. In: both. Out: whether they agree, and whether it is taken.

/// How many of the first bytes are looked at.
const HEAD: usize = 4096;

/// A media type without its parameters, in lower case.
pub(crate) fn essence(declared: &str) -> String {
    declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is among those that are taken; `*` stands for what is behind the slash.
pub(crate) fn is_allowed(media_type: &str, allowed: &[String]) -> bool {
    let Some((kind, _)) = media_type.split_once('/') else { return false };
    let fits = |pattern: &String| match pattern.strip_suffix("/*") {
        Some(any) => any.eq_ignore_ascii_case(kind),
        None => pattern.eq_ignore_ascii_case(media_type),
    };
    allowed.iter().any(fits)
}

/// Whether a page may show it: pictures that run nothing.
pub(crate) fn is_shown_in_pages(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
}

/// What is seen of a file as it passes.
#[derive(Debug)]
pub(super) struct Head {
    first: Vec<u8>,
    /// The beginning of a character whose end has not come yet.
    unfinished: Vec<u8>,
    is_text: bool,
}

impl Default for Head {
    fn default() -> Self {
        Self { first: Vec::new(), unfinished: Vec::new(), is_text: true }
    }
}

impl Head {
    pub(super) fn take(&mut self, piece: &[u8]) {
        let room = HEAD.saturating_sub(self.first.len()).min(piece.len());
        self.first.extend_from_slice(&piece[..room]);
        if self.is_text {
            let mut bytes = std::mem::take(&mut self.unfinished);
            bytes.extend_from_slice(piece);
            self.is_text = !bytes.contains(&0);
            if let Err(error) = std::str::from_utf8(&bytes) {
                match error.error_len() {
                    Some(_) => self.is_text = false,
                    None => self.unfinished = bytes[error.valid_up_to()..].to_vec(),
                }
            }
        }
    }

    /// Whether the bytes are of this media type. Text has no marks of its own: it is what can be read as UTF-8.
    pub(super) fn agrees_with(&self, media_type: &str) -> bool {
        let found = infer::get(&self.first).map(|kind| plain(kind.mime_type()));
        let is_text = self.is_text && self.unfinished.is_empty();
        let is_binary =
            ["image/", "audio/", "video/", "font/"].iter().any(|kind| media_type.starts_with(kind));
        if media_type.starts_with("text/") {
            return is_text;
        }
        match found {
            Some(found) => found == plain(media_type),
            None => is_text && !is_binary,
        }
    }
}

/// One name for each format: some have several, and some are of sound or of pictures in the same container.
fn plain(media_type: &str) -> &str {
    match media_type {
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "audio/mp3" | "audio/x-mp3" | "audio/mpeg3" => "audio/mpeg",
        "audio/wav" | "audio/wave" | "audio/vnd.wave" => "audio/x-wav",
        "audio/flac" => "audio/x-flac",
        "audio/x-aiff" => "audio/aiff",
        "audio/opus" | "audio/vorbis" | "video/ogg" | "application/ogg" => "audio/ogg",
        "audio/webm" | "video/x-matroska" | "audio/x-matroska" => "video/webm",
        "audio/mp4" | "audio/m4a" | "audio/x-m4a" | "audio/aac-lc" | "video/x-m4v" => "video/mp4",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees(bytes: &[u8], media_type: &str) -> bool {
        // In pieces, as they may come.
        let mut head = Head::default();
        bytes.chunks(3).for_each(|piece| head.take(piece));
        head.agrees_with(media_type)
    }

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
    const GIF: &[u8] = b"GIF89a\x01\0\x01\0";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    const WEBP: &[u8] = b"RIFF\x24\0\0\0WEBPVP8 ";
    const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt ";
    const MP3: &[u8] = b"ID3\x04\0\0\0\0\0\0";
    const OGG: &[u8] = b"OggS\0\x02\0\0";
    const WEBM: &[u8] = &{
        let mut bytes = [0; 300];
        let head = b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01\x42\x82\x84webm";
        let mut at = 0;
        while at < head.len() {
            bytes[at] = head[at];
            at += 1;
        }
        bytes
    };
    const M4A: &[u8] = b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42";
    const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3";

    #[test]
    fn bytes_and_type_have_to_agree() {
        for (bytes, media_type) in [
            (PNG, "image/png"),
            (GIF, "image/gif"),
            (JPEG, "image/jpeg"),
            (WEBP, "image/webp"),
            (WAV, "audio/wav"),
            (WAV, "audio/x-wav"),
            (MP3, "audio/mpeg"),
            (OGG, "audio/ogg"),
            (WEBM, "audio/webm"),
            (M4A, "audio/mp4"),
            (PDF, "application/pdf"),
            ("plain, 不丹".as_bytes(), "text/plain"),
            (b"a,b\n1,2\n", "text/csv"),
            (b"<p>about HTML</p>", "text/plain"),
            (b"{}", "application/json"),
        ] {
            assert!(agrees(bytes, media_type), "{media_type}");
        }
        for (bytes, media_type) in [
            (PNG, "image/jpeg"),
            (PNG, "text/plain"),
            (b"<script>alert(1)</script>", "image/png"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
            (b"plain", "audio/mpeg"),
            (b"a\0b", "text/plain"),
            (b"\xff\xfe", "text/plain"),
            (&"不".as_bytes()[..2], "text/plain"),
            (PDF, "application/json"),
        ] {
            assert!(!agrees(bytes, media_type), "{media_type}");
        }
    }

    #[test]
    fn only_listed_types_are_taken() {
        let allowed = ["image/png".to_owned(), "audio/*".to_owned()];
        assert_eq!(essence(" Image/PNG; x=y"), "image/png");
        assert!(is_allowed("image/png", &allowed) && is_allowed("audio/mpeg", &allowed));
        for not in ["image/svg+xml", "audio", "", "text/html", "image/*"] {
            assert!(!is_allowed(not, &allowed), "{not}");
        }
    }
}
