use std::{format, vec};

use super::*;

fn read(text: &str) -> Result<Element, XmlError> {
    parse(text.as_bytes(), &Limits::SMALL)
}

#[test]
fn a_listing_is_read() {
    let root = read(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListPartsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n \
         <Key> a&amp;b&#x20AC;&#13; </Key><Owner><ID>1</ID></Owner>\
         <Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part><!-- -->\
         <Part><PartNumber>2</PartNumber><ETag><![CDATA[\"<b>\"]]></ETag></Part><IsTruncated/></ListPartsResult>\n",
    )
    .expect("well-formed");
    assert_eq!(root.name(), "ListPartsResult");
    assert_eq!(root.text_at(&["Key"]), Some(" a&b€\r "));
    assert_eq!(root.text_at(&["Owner", "ID"]), Some("1"));
    assert_eq!(root.text_at(&["IsTruncated"]), Some(""));
    assert_eq!(root.text_at(&["Owner", "Name"]), None);
    let tags: Vec<_> = root.all("Part").filter_map(|part| part.text_at(&["ETag"])).collect();
    assert_eq!(tags, vec!["\"a\"", "\"<b>\""]);
}

#[test]
fn prefixes_are_disregarded_and_a_mark_or_space_in_front_allowed() {
    let text = "\u{feff}  \r\n<?xml version=\"1.0\"?><a:Error xmlns:a=\"x\"><a:Code>SlowDown</a:Code></a:Error>";
    assert_eq!(read(text).expect("well-formed").text_at(&["Code"]), Some("SlowDown"));
}

#[test]
fn find_looks_further_when_a_first_branch_lacks_the_rest() {
    let root = read("<a><b/><b><c>x</c></b></a>").expect("well-formed");
    assert_eq!(root.text_at(&["b", "c"]), Some("x"));
}

#[test]
fn nothing_expands() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
    assert_eq!(read(bomb), Err(XmlError::DocType));
    assert_eq!(read("<a>&b;</a>"), Err(XmlError::UnknownReference("b".into())));
    for name in ["#0", "#xD800", "#x110000", "#", "#x", "#+1", "#99999999999999999999"] {
        assert_eq!(read(&format!("<a>&{name};</a>")), Err(XmlError::UnknownReference(name.into())));
    }
}

#[test]
fn limits_hold() {
    let limits = Limits { bytes: 40, depth: 3, elements: 4 };
    let read = |text: &str| parse(text.as_bytes(), &limits).map(|_| ());
    assert_eq!(read(&"x".repeat(41)), Err(XmlError::TooLarge { len: 41, max: 40 }));
    assert_eq!(read("<a><b><c/></b></a>"), Ok(()));
    assert_eq!(read("<a><b><c><d/></c></b></a>"), Err(XmlError::TooDeep(3)));
    assert_eq!(read("<a><b/><b/><b/></a>"), Ok(()));
    assert_eq!(read("<a><b/><b/><b/><b/></a>"), Err(XmlError::TooMany(4)));
    let deep = Limits { bytes: 1 << 20, depth: usize::MAX, elements: usize::MAX };
    assert_eq!(parse("<a>".repeat(200).as_bytes(), &deep), Err(XmlError::TooDeep(128)));
}

#[test]
fn what_is_not_a_document() {
    assert_eq!(read(""), Err(XmlError::Empty));
    assert_eq!(read(" \n\u{feff}"), Err(XmlError::Empty));
    assert_eq!(read("<?xml version=\"1.0\"?>  "), Err(XmlError::Empty));
    assert_eq!(read("<a><b>"), Err(XmlError::Truncated("b".into())));
    assert_eq!(parse(b"<a>\xff</a>", &Limits::SMALL), Err(XmlError::NotUtf8(3)));
    for text in ["<a></b>", "</a>", "<a/><b/>", "<a/>x", "x", "<a", "<a>&amp</a>", "<a><![CDATA[x</a>", "{}"] {
        assert!(matches!(read(text), Err(XmlError::Syntax { .. })), "{text}: {:?}", read(text));
    }
}

#[test]
fn escaped_text_comes_back() {
    let text = "a<b>&\"'\r\n]]> é";
    let root = read(&format!("<a>{}</a>", escape(text))).expect("well-formed");
    assert_eq!(root.text(), text);
}
