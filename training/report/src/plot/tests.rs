//! Drawings hold their numbers, and come out as pixels without a font of the machine.

use super::{Axis, Coordinate, Parallel, Plot, Scale, Series, Style, png};

fn plot(style: Style, points: Vec<(f64, f64)>) -> Plot {
    Plot {
        title: "Loss <&\"> by step".into(),
        x: Axis::linear("step"),
        y: Axis::logarithmic("loss (nats)"),
        series: vec![Series::new("a", style, points), Series::new("b", Style::Dots, vec![(3.0, 2.0)])],
    }
}

/// The points of all lines with a class.
fn lines(svg: &str, class: &str) -> Vec<Vec<(f64, f64)>> {
    let parts = svg.split("<polyline class=\"").skip(1).filter(|part| part.starts_with(class));
    let points = parts.map(|part| part.split("points=\"").nth(1).unwrap().split('"').next().unwrap());
    let pair = |pair: &str| {
        let (x, y) = pair.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    points.map(|points| points.split(' ').map(pair).collect()).collect()
}

#[test]
fn a_line_goes_through_its_points_with_a_gap_where_one_is_missing() {
    let svg = plot(
        Style::Line,
        vec![(0.0, 1.0), (1.0, 10.0), (2.0, f64::NAN), (3.0, 100.0), (4.0, 0.0), (5.0, 1.0)],
    )
    .svg();
    let curve = lines(&svg, "line s0");
    // The legend's line is the last.
    let (legend, parts) = curve.split_last().unwrap();
    assert_eq!(legend.len(), 2);
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [2], "{curve:?}");
    let [low, high] = parts[0][..] else { panic!("{parts:?}") };
    // Of two decades each is half as high, and upwards is less.
    let single: Vec<&str> = svg.split("<circle").skip(1).collect();
    assert_eq!(single.len(), 4, "two single points, the dot and its legend: {single:?}");
    let top: f64 = single[0].split("cy=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    assert!(high.0 > low.0 && high.1 < low.1);
    assert!(((low.1 - high.1) - (high.1 - top)).abs() < 0.2, "{low:?} {high:?} {top}");
}

#[test]
fn text_of_others_stays_text() {
    let svg = plot(Style::Line, vec![(0.0, 1.0), (1.0, 2.0)]).svg();
    assert!(svg.contains("Loss &lt;&amp;&quot;&gt; by step"));
    assert!(png(&svg, 1.0).is_ok());
}

#[test]
fn a_long_run_is_thinned_and_keeps_its_peaks() {
    let mut points: Vec<_> = (0..100_000).map(|at| (f64::from(at), 2.0 + f64::from(at % 7))).collect();
    points[50_000].1 = 900.0;
    let svg = plot(Style::Line, points).svg();
    assert!(svg.len() < 60_000, "{}", svg.len());
    let highest = lines(&svg, "line s0")[0].iter().map(|(_, y)| *y).fold(f64::INFINITY, f64::min);
    let next = lines(&svg, "line s0")[0].iter().filter(|(_, y)| *y < highest + 50.0).count();
    assert_eq!(next, 1, "the peak stands alone");
}

#[test]
fn noise_is_drawn_faintly_under_its_average() {
    let points: Vec<_> = (0..50).map(|at| (f64::from(at), if at % 2 == 0 { 1.0 } else { 3.0 })).collect();
    let svg = plot(Style::Smoothed, points).svg();
    let spread = |class: &str| {
        let line = &lines(&svg, class)[0][20..];
        let ys = || line.iter().map(|(_, y)| *y);
        ys().fold(0.0, f64::max) - ys().fold(f64::INFINITY, f64::min)
    };
    assert!(spread("faint s0") > 5.0 * spread("line s0"));
    assert!(svg.find("faint s0").unwrap() < svg.rfind("line s0").unwrap());
}

/// How many pixels of a picture are not of the ground.
fn inked(png: &[u8]) -> usize {
    let pixels = resvg::tiny_skia::Pixmap::decode_png(png).unwrap();
    let ground = pixels.pixel(0, 0).unwrap();
    pixels.pixels().iter().filter(|&&pixel| pixel != ground).count()
}

#[test]
fn words_become_pixels_without_the_machines_fonts() {
    let empty = Plot::default().svg();
    let titled = Plot { title: "Learning rate".into(), ..Plot::default() }.svg();
    let (without, with) = (png(&empty, 1.0).unwrap(), png(&titled, 1.0).unwrap());
    assert!(inked(&with) > inked(&without) + 300, "{} {}", inked(&with), inked(&without));
    // Light: what draws pixels takes none of the dark colours.
    let pixels = resvg::tiny_skia::Pixmap::decode_png(&with).unwrap();
    assert_eq!(pixels.pixel(0, 0).unwrap().red(), 255);
}

#[test]
fn what_is_no_drawing_is_refused() {
    assert!(png("<html/>", 1.0).is_err());
    let error = png(&Plot::default().svg(), 1e9).unwrap_err().to_string();
    assert!(error.contains("pixels"), "{error}");
}

#[test]
fn trials_cross_all_axes() {
    let parallel = Parallel {
        title: "Trials".into(),
        coordinates: vec![
            Coordinate::Numbers {
                label: "learning rate".into(),
                scale: Scale::Logarithmic,
                values: vec![1e-5, 1e-4, 1e-3],
            },
            Coordinate::Words {
                label: "schedule".into(),
                values: vec!["cosine".into(), "linear".into(), "cosine".into()],
            },
            Coordinate::Numbers {
                label: "loss".into(),
                scale: Scale::Linear,
                values: vec![2.0, f64::NAN, 1.0],
            },
        ],
        best: Some(2),
    };
    let svg = parallel.svg();
    let others = lines(&svg, "faint s0");
    assert_eq!(others.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2], "one ends where it has no number");
    let best = &lines(&svg, "line s1")[0];
    assert_eq!(best.len(), 3);
    assert!(
        (others[0][0].1 - others[1][0].1 - (others[1][0].1 - best[0].1)).abs() < 0.2,
        "even by logarithm"
    );
    assert!((others[0][1].1 - best[1].1).abs() < 0.1, "the same word");
    assert!(png(&svg, 1.0).is_ok());
    assert!(png(&Parallel::default().svg(), 1.0).is_ok());
}
