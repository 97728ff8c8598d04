//! A text as a picture that a telephone reads: the path of an SVG.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};

/// White at each side, in modules, as readers want it.
const MARGIN: usize = 4;

/// The dark modules as a path, and the width of the picture in modules; empty where the text is too long.
pub(super) fn picture(text: &str) -> (String, usize) {
    let Ok(code) = QrCode::new(text.as_bytes()) else {
        return (String::new(), 0);
    };
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + MARGIN, at / width + MARGIN);
            // Writing to a string cannot fail.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    (path, width + 2 * MARGIN)
}
