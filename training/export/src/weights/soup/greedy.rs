//! Which of several to average. In: how good each is alone, and a function that tells how good an average is. Out: those that help.

/// An average that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Taste {
    /// What was averaged, by number.
    pub of: Vec<usize>,
    /// Its loss.
    pub loss: f64,
    /// Whether the last of them stays.
    pub kept: bool,
}

/// What the search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Soup {
    /// What is averaged, by number; the best alone is first.
    pub of: Vec<usize>,
    /// The loss of the average.
    pub loss: f64,
    /// Averages in the order in which they were tried.
    pub tastes: Vec<Taste>,
}

/// The greedy soup (Wortsman et al. 2022, recipe 1): from the best to the worst, each is added to the average if that is no worse for it.
/// `losses` tells how good each is alone, lower is better; those that are no number are left out. None where there are none.
///
/// # Errors
/// Those of `evaluate`.
pub fn greedy<E>(
    losses: &[f64],
    mut evaluate: impl FnMut(&[usize]) -> Result<f64, E>,
) -> Result<Option<Soup>, E> {
    let mut order: Vec<usize> = (0..losses.len()).filter(|&at| losses[at].is_finite()).collect();
    order.sort_by(|&a, &b| losses[a].total_cmp(&losses[b]));
    let [best, others @ ..] = order.as_slice() else { return Ok(None) };
    let mut soup = Soup { of: vec![*best], loss: losses[*best], tastes: Vec::new() };
    for &other in others {
        let of = [soup.of.as_slice(), &[other]].concat();
        let loss = evaluate(&of)?;
        let kept = loss <= soup.loss;
        if kept {
            (soup.of, soup.loss) = (of.clone(), loss);
        }
        soup.tastes.push(Taste { of, loss, kept });
    }
    Ok(Some(soup))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::greedy;

    /// Losses of averages of numbers: how far from 0 they are.
    fn tried(numbers: &[f64]) -> (Vec<usize>, f64, Vec<Vec<usize>>) {
        let losses: Vec<f64> = numbers.iter().map(|number| number.abs()).collect();
        let mean = |of: &[usize]| of.iter().map(|&at| numbers[at]).sum::<f64>() / of.len() as f64;
        let soup = greedy::<Infallible>(&losses, |of| Ok(mean(of).abs())).unwrap().unwrap();
        (soup.of, soup.loss, soup.tastes.into_iter().map(|taste| taste.of).collect())
    }

    #[test]
    fn what_helps_stays_and_what_does_not_goes() {
        // -1 balances 0.9; 5 spoils it; -0.96 is tried before -1 and stays.
        let (of, loss, tried_of) = tried(&[5.0, 0.9, -0.96]);
        assert_eq!(of, [1, 2]);
        assert!((loss - 0.03).abs() < 1e-12);
        assert_eq!(tried_of, [vec![1, 2], vec![1, 2, 0]]);
    }

    #[test]
    fn it_is_never_worse_than_the_best_alone() {
        let (of, loss, _) = tried(&[3.0, 1.0, 2.0]);
        assert_eq!((of, loss), (vec![1], 1.0));
    }

    #[test]
    fn an_average_that_is_no_number_is_not_kept() {
        let soup = greedy::<Infallible>(&[1.0, 2.0, f64::NAN], |_| Ok(f64::NAN)).unwrap().unwrap();
        assert_eq!((soup.of, soup.tastes.len()), (vec![0], 1));
        assert_eq!(greedy::<Infallible>(&[f64::NAN], |_| Ok(0.0)), Ok(None));
        assert_eq!(greedy(&[1.0, 2.0], |_| Err("full")), Err("full"));
    }
}
