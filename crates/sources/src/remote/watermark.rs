//! The watermark column among the columns of a query.

use super::error::RemoteError;

/// Its place. The name is compared exactly, then without regard to case.
///
/// # Errors
/// When there is none or more than one of that name.
pub(super) fn place(columns: &[String], name: &str) -> Result<usize, RemoteError> {
    let fits: [&dyn Fn(&str) -> bool; 2] =
        [&|column| column == name, &|column| column.eq_ignore_ascii_case(name)];
    for fit in fits {
        let mut places = (0..).zip(columns).filter(|(_, column)| fit(column)).map(|(at, _)| at);
        match (places.next(), places.next()) {
            (Some(place), None) => return Ok(place),
            (None, _) => {}
            (Some(_), Some(_)) => {
                return Err(RemoteError::Setting {
                    what: format!("watermark: the query gives more than one column '{name}'"),
                });
            }
        }
    }
    let columns = columns.join(", ");
    Err(RemoteError::Setting {
        what: format!("watermark: the query gives no column '{name}', but {columns}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_or_its_absence_is_said() {
        let columns = ["email", "Changed", "changed", "at", "at"].map(str::to_owned);
        assert_eq!(place(&columns, "Changed"), Ok(1));
        assert_eq!(place(&columns, "EMAIL"), Ok(0));
        for (name, why) in [
            ("CHANGED", "more than one column 'CHANGED'"),
            ("at", "more than one"),
            ("id", "no column 'id', but email, Changed, changed, at, at"),
        ] {
            let said = place(&columns, name).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }
}
