//! A drawing as PNG, through plotters.
//!
//! Owns: the number of pixels. Painted twice as fine as it is written, since plotters' filled outlines have hard edges.

use std::io;

use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::{FontDesc, FontFamily, ShapeStyle, TextStyle};

use super::drawing::{Drawing, Shape};
use super::font;
use super::palette::PAPER;
use super::svg::{ink, pos};

/// Pixels to a point, in the file.
const PIXELS: u32 = 2;

/// Pixels painted for one in the file, each way.
const FINE: u32 = 2;

/// How far below the middle of a text plotters puts the middle of its small letters, in ems.
const LOWER: f64 = 0.14;

/// The file.
///
/// # Errors
/// When it cannot be encoded.
pub fn file(drawing: &Drawing) -> io::Result<Vec<u8>> {
    font::register();
    let side = |points: f64| (points.clamp(1.0, 8000.0).ceil() as u32) * PIXELS;
    let (width, height) = (side(drawing.width), side(drawing.height));
    let fine = paint(drawing, width * FINE, height * FINE)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // So that it is printed and shown at the size it was laid out for: 72 points to an inch.
    let per_metre = (f64::from(PIXELS) * 96.0 / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer
        .write_image_data(&coarse(&fine, width, height))
        .map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(bytes)
}

fn paint(drawing: &Drawing, width: u32, height: u32) -> io::Result<Vec<u8>> {
    let scale = f64::from(PIXELS * FINE);
    let place = |&(x, y): &(f64, f64)| ((x * scale).round() as i32, (y * scale).round() as i32);
    let mut pixels = [PAPER.0, PAPER.1, PAPER.2].repeat(width as usize * height as usize);
    let mut backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
    for shape in &drawing.shapes {
        let painted = match shape {
            Shape::Path { points, color, width } => {
                let style = ShapeStyle {
                    color: ink(*color, 1.0),
                    filled: false,
                    stroke_width: (width * scale).round() as u32,
                };
                backend.draw_path(points.iter().map(place), &style)
            }
            Shape::Polygon { points, color, opacity } => {
                backend.fill_polygon(points.iter().map(place), &ink(*color, *opacity))
            }
            Shape::Text {
                at: (x, y),
                text,
                size,
                anchor,
                color,
                is_bold,
            } => {
                let family = FontFamily::Name(font::FAMILY);
                let font = FontDesc::new(family, size * scale * font::SIZE_OF_EM, font::style(*is_bold));
                let color = ink(*color, 1.0);
                let style = TextStyle::from(font).color(&color).pos(pos(*anchor));
                backend.draw_text(text, &style, place(&(*x, y + LOWER * size)))
            }
        };
        painted.map_err(|error| io::Error::other(error.to_string()))?;
    }
    backend.present().map_err(|error| io::Error::other(error.to_string()))?;
    drop(backend);
    Ok(pixels)
}

/// Each pixel the mean of those painted for it.
fn coarse(fine: &[u8], width: u32, height: u32) -> Vec<u8> {
    let (width, height, by) = (width as usize, height as usize, FINE as usize);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for part in 0..3 {
                let mut sum = 0u32;
                for row in 0..by {
                    for column in 0..by {
                        sum += u32::from(fine[((y * by + row) * width * by + x * by + column) * 3 + part]);
                    }
                }
                pixels.push((sum / (FINE * FINE)) as u8);
            }
        }
    }
    pixels
}
