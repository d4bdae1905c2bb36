//! How a list is read: from the words of the request.

use std::str::FromStr;
use std::sync::Arc;

use sources::{
    AccessMapSpec, Columns, CsvSpec, Format, JsonSpec, Password, RemoteError, SpecError, XlsxSpec,
    XmlSpec,
};
use suppression::{HashAlgorithm, HashedForm, Kind, Normalise, Salt};

use super::request::ImportRequest;
use crate::error::AppError;

/// What the file is and where in it things are.
pub(super) fn format(request: &ImportRequest) -> Result<Format, AppError> {
    let encoding = read("encoding", &request.encoding)?;
    let csv = || -> Result<CsvSpec, AppError> {
        let (columns, header) = (columns(request)?, request.header);
        Ok(CsvSpec { columns, delimiter: read("delimiter", &request.delimiter)?, encoding, header })
    };
    let named =
        |ending: &str| request.path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    let word = match request.format.as_deref() {
        Some(word) => Some(word),
        None if request.record.is_some() || named("xml") => Some("xml"),
        None if request.records.is_some() => Some("json"),
        None if request.sheet.is_some() => Some("xlsx"),
        None => None,
    };
    let without = |option: &str, given: bool, right: &str| match given {
        true => Err(AppError::Input(format!("--{option} is for {right}"))),
        false => Ok(()),
    };
    let word = word.unwrap_or("any");
    without("record", request.record.is_some() && word != "xml", "--format xml")?;
    without("records", request.records.is_some() && word != "json", "--format json")?;
    without("sheet", request.sheet.is_some() && word != "xlsx", "--format xlsx")?;
    Ok(match word {
        "any" => Format::Detect(csv()?),
        "csv" => Format::Csv(csv()?),
        "text" => {
            Format::Csv(CsvSpec { delimiter: "none".parse().ok(), encoding, ..CsvSpec::default() })
        }
        "xml" => Format::Xml(xml(request)?),
        "json" => Format::Json(JsonSpec {
            records: request.records.clone(),
            columns: columns(request)?,
            encoding,
        }),
        "xlsx" => Format::Xlsx(XlsxSpec {
            sheet: request.sheet.clone(),
            columns: columns(request)?,
            header: request.header,
        }),
        "access-map" => Format::AccessMap(AccessMapSpec { encoding }),
        _ => {
            let right = "csv, xml, json, text, xlsx or access-map";
            return Err(AppError::Input(format!("--format is {right}")));
        }
    })
}

fn columns(request: &ImportRequest) -> Result<Columns, AppError> {
    Ok(Columns {
        email: read("email", &request.email)?,
        date: read("date", &request.date)?,
        reason: read("reason", &request.reason)?,
        kind: read("kind-column", &request.kind_column)?,
        scope: read("scope-column", &request.scope_column)?,
        until: read("until", &request.until)?,
    })
}

fn xml(request: &ImportRequest) -> Result<XmlSpec, AppError> {
    let record = read("record", &request.record)?.ok_or_else(|| {
        AppError::Input("an XML file needs --record: which elements are one person each, such as \"/customers/customer[@optout='1']\"".to_owned())
    })?;
    Ok(XmlSpec {
        record,
        email: read("email", &request.email)?,
        date: read("date", &request.date)?,
        reason: read("reason", &request.reason)?,
        kind: read("kind-column", &request.kind_column)?,
        scope: read("scope-column", &request.scope_column)?,
        until: read("until", &request.until)?,
        encoding: read("encoding", &request.encoding)?,
    })
}

/// What is in the place of addresses.
pub(super) fn hashed(request: &ImportRequest) -> Result<Option<Arc<HashedForm>>, AppError> {
    let wrong = |what: &str| Err(AppError::Input(what.to_owned()));
    let algorithm = match request.hashed.as_deref() {
        Some("md5") => HashAlgorithm::Md5,
        Some("sha1") => HashAlgorithm::Sha1,
        Some("sha256") => HashAlgorithm::Sha256,
        Some("sha512") => HashAlgorithm::Sha512,
        Some(_) => return wrong("--hashed is md5, sha1, sha256 or sha512"),
        None => {
            let more = [&request.normalise, &request.salt_place];
            if more.iter().any(|given| given.is_some()) || request.salt_file.is_some() {
                return wrong(
                    "--normalise, --salt-file and --salt-place say how digests were made; say \
                     with --hashed which these are, such as md5",
                );
            }
            return Ok(None);
        }
    };
    if request.kind == Some(Kind::Consent) {
        return wrong(
            "a consent counts for exactly the address that gave it; it cannot be a digest",
        );
    }
    let normalise = match request.normalise.as_deref() {
        None | Some("lower") => Normalise::Lower,
        Some("lower-domain") => Normalise::LowerDomain,
        Some("as-is") => Normalise::AsIs,
        Some(_) => return wrong("--normalise is lower, lower-domain or as-is"),
    };
    let salt = match &request.salt_file {
        None => String::new(),
        Some(path) => {
            let salt = Password::File(path.clone()).read();
            let wrong = |error| match error {
                RemoteError::Password { what } => AppError::Input(format!("--salt-file: {what}")),
                other => AppError::Input(other.to_string()),
            };
            salt.map_err(wrong)?.expose().clone()
        }
    };
    let salt = match request.salt_place.as_deref() {
        Some(_) if request.salt_file.is_none() => {
            return wrong("--salt-place is where the salt of --salt-file stands");
        }
        None | Some("before") => Salt { before: salt, ..Salt::default() },
        Some("behind") => Salt { behind: salt, ..Salt::default() },
        Some(_) => return wrong("--salt-place is before or behind"),
    };
    Ok(Some(Arc::new(HashedForm { algorithm, normalise, salt })))
}

fn read<T: FromStr<Err = SpecError>>(
    option: &str,
    text: &Option<String>,
) -> Result<Option<T>, AppError> {
    let parsed = text.as_deref().map(str::parse).transpose();
    parsed.map_err(|e| AppError::Input(format!("--{option}: {e}")))
}
