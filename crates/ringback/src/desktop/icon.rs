//! The program's icon as pixels, for the window; `assets/icon/ringback.svg` is the same for the rest of the desktop.
//! It is drawn, as it is three shapes only: no picture file has to be decoded before the window opens.

/// Width and height in pixels: what window lists show, and twice that on a fine screen.
const SIDE: u32 = 128;

/// The drawing's own units, as in the SVG's `viewBox`.
const UNITS: f32 = 64.0;

/// A square with round corners.
const GROUND: [u8; 3] = [0x1f, 0x6f, 0x50];
const CORNER: f32 = 14.0;

/// A bell's sound: a dot, and rings around it. Radius, half of the line's width (all of it for the dot) and how white.
const RINGS: [(f32, f32, f32); 3] = [(0.0, 8.0, 1.0), (16.0, 2.5, 0.8), (25.0, 2.0, 0.45)];

/// The icon, as the window wants it.
pub(crate) fn icon() -> eframe::egui::IconData {
    let rgba = (0..SIDE * SIDE).flat_map(|at| pixel(at % SIDE, at / SIDE)).collect();
    eframe::egui::IconData { rgba, width: SIDE, height: SIDE }
}

/// Red, green, blue and opacity, not multiplied.
fn pixel(column: u32, row: u32) -> [u8; 4] {
    let scale = UNITS / SIDE as f32;
    let centre = |at: u32| (at as f32 + 0.5) * scale - UNITS / 2.0;
    let (x, y) = (centre(column), centre(row));
    // How much of the pixel lies within an edge that far away.
    let inside = |distance: f32| (0.5 - distance / scale).clamp(0.0, 1.0);

    let beyond = |at: f32| (at.abs() - (UNITS / 2.0 - CORNER)).max(0.0);
    let ground = inside(beyond(x).hypot(beyond(y)) - CORNER);
    let white = RINGS.iter().fold(0.0_f32, |white, (radius, half, strength)| {
        white.max(inside((x.hypot(y) - radius).abs() - half) * strength)
    });
    let colour = GROUND.map(|ground| (f32::from(ground) + (255.0 - f32::from(ground)) * white).round() as u8);
    [colour[0], colour[1], colour[2], (ground * 255.0).round() as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_and_the_desktop_show_the_same_icon() {
        let svg = include_str!("../../../../assets/icon/ringback.svg");
        let [red, green, blue] = GROUND;
        let mut expected = vec![
            format!("viewBox=\"0 0 {UNITS} {UNITS}\""),
            format!("rx=\"{CORNER}\""),
            format!("fill=\"#{red:02x}{green:02x}{blue:02x}\""),
        ];
        for (radius, half, strength) in RINGS {
            expected.push(if radius == 0.0 {
                format!("r=\"{half}\"")
            } else {
                format!("r=\"{radius}\" stroke-width=\"{}\" stroke-opacity=\"{strength}\"", half * 2.0)
            });
        }
        for part in expected {
            assert!(svg.contains(&part), "the SVG has no {part}");
        }
    }

    #[test]
    fn its_corners_are_clear_and_its_middle_is_white() {
        let icon = icon();
        let at = |column: u32, row: u32| &icon.rgba[((row * SIDE + column) * 4) as usize..][..4];
        assert_eq!(at(0, 0)[3], 0);
        assert_eq!(at(64, 64), [255; 4]);
        assert_eq!(at(64, 3), [GROUND[0], GROUND[1], GROUND[2], 255]);
        assert_eq!(icon.rgba.len(), 128 * 128 * 4);
    }
}
