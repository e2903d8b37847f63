//! Pictures in the terminal's own pixels: kitty's graphics protocol, and sixels.
//! Pure: an image and its place go in, the bytes for the terminal come out.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratatui::layout::Rect;

use super::picture::Image;

/// The most pixels of a picture: more takes too long on its way, and a terminal is not a cinema.
const MOST_PIXELS: usize = 480 * 270;

/// Longest piece of a picture in kitty's protocol, in bytes of base64.
const PIECE: usize = 4096;

/// How a terminal takes pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>
    Kitty,
    /// DEC's, in the 240 colours of xterm's cube and greys.
    Sixel,
}

/// Pixels that a picture may have in this place.
pub(crate) fn pixels(protocol: Protocol, place: Rect, cell: (u16, u16)) -> (usize, usize) {
    let (width, height) =
        (usize::from(place.width) * usize::from(cell.0), usize::from(place.height) * usize::from(cell.1));
    match protocol {
        // It scales by itself.
        Protocol::Kitty => {
            let mut divisor = 1;
            while width / divisor * (height / divisor) > MOST_PIXELS {
                divisor += 1;
            }
            (width / divisor, height / divisor)
        }
        Protocol::Sixel => (width, height),
    }
}

/// The picture, to be written as it is; the cursor is put back.
pub(crate) fn encode(protocol: Protocol, image: &Image, place: Rect) -> String {
    if image.pixels.is_empty() {
        return String::new();
    }
    // Save the cursor, go to the place (counted from one), and back at the end.
    let mut text = format!("\x1b7\x1b[{};{}H", place.y + 1, place.x + 1);
    match protocol {
        Protocol::Kitty => kitty(image, place, &mut text),
        Protocol::Sixel => sixel(image, &mut text),
    }
    text.push_str("\x1b8");
    text
}

/// What removes the picture.
pub(crate) fn remove(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Kitty => "\x1b_Ga=d,d=I,i=1,q=2\x1b\\",
        // Whatever is drawn over it takes its place.
        Protocol::Sixel => "",
    }
}

fn kitty(image: &Image, place: Rect, text: &mut String) {
    let data = STANDARD.encode(image.pixels.as_flattened());
    let pieces = data.len().div_ceil(PIECE);
    for (index, piece) in data.as_bytes().chunks(PIECE).enumerate() {
        let more = u8::from(index + 1 < pieces);
        let piece = std::str::from_utf8(piece).expect("base64 is ASCII");
        let _ = if index == 0 {
            // The same picture and place each time: it is replaced. Below even the cells that have a background.
            write!(
                text,
                "\x1b_Ga=T,f=24,s={},v={},i=1,p=1,c={},r={},z=-1073741825,C=1,q=2,m={more};{piece}\x1b\\",
                image.width, image.height, place.width, place.height
            )
        } else {
            write!(text, "\x1b_Gm={more},q=2;{piece}\x1b\\")
        };
    }
}

/// Bands of six rows; in each, one pass for each colour that is in it.
fn sixel(image: &Image, text: &mut String) {
    let colours: Vec<u8> = image.pixels.iter().map(|&pixel| step(pixel)).collect();
    let _ = write!(text, "\x1bP0;1q\"1;1;{};{}", image.width, image.height);
    let mut defined = [false; 216];
    for &colour in &colours {
        if !std::mem::replace(&mut defined[usize::from(colour)], true) {
            let [red, green, blue] = [colour / 36, colour / 6 % 6, colour % 6].map(|step| step * 20);
            let _ = write!(text, "#{colour};2;{red};{green};{blue}");
        }
    }
    for band in colours.chunks(image.width * 6) {
        let mut present: Vec<u8> = band.to_vec();
        present.sort_unstable();
        present.dedup();
        for colour in present {
            let _ = write!(text, "#{colour}");
            let column = |x: usize| {
                let rows = band.iter().skip(x).step_by(image.width).enumerate();
                rows.fold(0_u8, |bits, (row, &found)| bits | u8::from(found == colour) << row)
            };
            let mut x = 0;
            while x < image.width {
                let bits = column(x);
                let run = (x..image.width).take_while(|&next| column(next) == bits).count();
                let sign = char::from(b'?' + bits);
                let _ = if run > 3 {
                    write!(text, "!{run}{sign}")
                } else {
                    write!(text, "{}", sign.to_string().repeat(run))
                };
                x += run;
            }
            text.push('$');
        }
        text.push('-');
    }
    text.push_str("\x1b\\");
}

/// The colour's place in a cube of six steps a side.
fn step(pixel: [u8; 3]) -> u8 {
    let [red, green, blue] = pixel.map(|value| ((u16::from(value) * 5 + 127) / 255) as u8);
    red * 36 + green * 6 + blue
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: usize, height: usize, pixel: [u8; 3]) -> Image {
        Image { width, height, pixels: vec![pixel; width * height] }
    }

    #[test]
    fn kittys_pictures_come_in_pieces_and_replace_each_other() {
        let place = Rect::new(2, 1, 40, 10);
        let text = encode(Protocol::Kitty, &image(64, 32, [1, 2, 3]), place);
        assert!(text.starts_with("\x1b7\x1b[2;3H\x1b_Ga=T,f=24,s=64,v=32,i=1,p=1,c=40,r=10,"), "{text:?}");
        assert!(text.ends_with("\x1b\\\x1b8"));
        let pieces: Vec<_> = text.split("\x1b_G").skip(1).map(|piece| piece.split_once(';').expect("data")).collect();
        assert_eq!(pieces.len(), 2);
        assert!(pieces[0].0.ends_with("m=1") && pieces[1].0.starts_with("m=0"));
        let data: String = pieces.iter().map(|(_, data)| data.split('\x1b').next().unwrap_or_default()).collect();
        assert_eq!(STANDARD.decode(data).expect("base64"), [1, 2, 3].repeat(64 * 32));
    }

    #[test]
    fn sixels_are_runs_of_columns_six_rows_high() {
        let mut picture = image(5, 7, [255, 255, 255]);
        picture.pixels[4] = [0, 0, 0];
        let text = encode(Protocol::Sixel, &picture, Rect::new(0, 0, 1, 1));
        let expected = "\x1b7\x1b[1;1H\x1bP0;1q\"1;1;5;7#215;2;100;100;100#0;2;0;0;0\
                        #0!4?@$#215!4~}$-#215!5@$-\x1b\\\x1b8";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_place_has_as_many_pixels_as_can_be_sent_in_time() {
        let place = Rect::new(0, 0, 80, 20);
        assert_eq!(pixels(Protocol::Sixel, place, (10, 20)), (800, 400));
        let (width, height) = pixels(Protocol::Kitty, place, (10, 20));
        assert!(width * height <= MOST_PIXELS && width == 2 * height, "{width}x{height}");
        assert_eq!(encode(Protocol::Kitty, &image(0, 0, [0; 3]), place), "");
    }
}
