# ruff: noqa: E501 -- mails have long lines
"""HTML for the tests of the bodies: mails as programs write them, and pieces to make soup of."""

OUTLOOK = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml">
<head><meta charset="utf-8"><title>Offer <a href="https://never.test/title"></title>
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings></o:OfficeDocumentSettings></xml><![endif]-->
<style>@import url("https://never.test/style"); a[href="https://never.test/css"] { color: red }</style></head>
<body>
<div><!--[if mso]>
<v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="https://shop.test/offer?a=1&amp;b=2" style="height:40px" arcsize="10%">
<center style="color:#fff">See the offer</center></v:roundrect>
<![endif]--><!--[if !mso]><!-->
<a href="https://shop.test/offer?a=1&amp;b=2" style="background:#06c"><span>See the offer</span></a>
<!--<![endif]--></div>
<![if !mso]><p><a href='https://shop.test/not-outlook'>For all but Outlook</a></p><![endif]>
</body></html>
"""
OUTLOOK_URLS = [
    "https://shop.test/offer?a=1&b=2",
    "https://shop.test/offer?a=1&b=2",
    "https://shop.test/not-outlook",
]

NEWSLETTER = """<!doctype html>
<html lang="en"><head><base href="https://never.test/"><meta http-equiv="refresh" content="0;url=https://never.test/r">
</head><body style="background:url('https://never.test/bg.png')">
<div style="display:none;max-height:0">News of May &zwnj; &nbsp;</div>
<!--[if mso | IE]><table align="center" width="600"><tr><td style="line-height:0"><![endif]-->
<div style="max-width:600px"><table role="presentation" width="100%"><tbody><tr><td align="center">
<h1>News of&nbsp;May</h1>
<img src="https://never.test/i.png" alt='He said "go" > and <b>' usemap="#m" width="600">
<map name="m"><area shape="rect" coords="0,0,9,9" href="https://news.test/area" alt="Map"></map>
<p>Dear {{ contact.first_name }}, read <a title='href="https://never.test/t"' HREF=https://news.test/1?a=1&copy=2>the
 first</a> and <a href="
   https://news.test/2#part
 ">the second</a> story &amp; more.</p>
<ul><li>One</li><li>Two</li></ul>
<form action="https://never.test/form"><input type="hidden" value="<a href=https://never.test/v>"></form>
<p data-engagement="off"><a href="https://news.test/private">Never followed</a></p>
<p><a href="mailto:a@news.test">a@news.test</a> <a href="tel:+123">call</a> <a href="#top">top</a>
<a href="{{unsubscribe_url}}">Unsubscribe</a> <a href="https://news.test/unsubscribe?u=1">or here</a>
<a href="https://news.test/leave" rel="nofollow unsubscribe">or there</a></p>
</td></tr></tbody></table></div>
<!--[if mso | IE]></td></tr></table><![endif]-->
</body>
</html>
"""
NEWSLETTER_URLS = [
    "https://news.test/area",
    "https://news.test/1?a=1&copy=2",
    "https://news.test/2#part",
]

BROKEN = """<table><tr><td><a href=https://odd.test/1>one<td><a href="https://odd.test/2"title="x"class=y>two
<p><a
  href
  =
  'https://odd.test/3'>three<div></a></p>
<!-- <a href="https://never.test/comment"> --!><a/href="https://odd.test/4"/>four
<a href="https://odd.test/5" href="https://never.test/second">five</table></body>
<p>behind the body<a href="https://odd.test/6">six</a></body></html>
<a href="https://never.test/open
"""
BROKEN_URLS = [f"https://odd.test/{number}" for number in range(1, 7)]

PLAIN = '<p>Dear Ada,</p><p>see <a href="https://plain.test/">our page</a>.</p>'

MAILS = [
    (OUTLOOK, OUTLOOK_URLS),
    (NEWSLETTER, NEWSLETTER_URLS),
    (BROKEN, BROKEN_URLS),
    (PLAIN, ["https://plain.test/"]),
]

#: Whole constructs, which parse5 and a mail client read alike.
CONSTRUCTS = [
    '<a href="https://x.test/1">one</a>',
    "<A HREF='https://x.test/2?a&amp;b&copy=1&lt;2&#x2F;&notit;&not;'>two",
    "<a href=https://x.test/3/>three</a>",
    "<a href=\"https://x.test/4\"class='a'data-x>four",
    "<a title='> href=\"https://no.test\"' href=' https://x.test/5\n'>",
    "<a href=https://x.test/6 href=https://x.test/7>",
    "<area href='//x.test/8'><area href='HTTP:x.test'>",
    "<v:rect href='https://x.test/9'/>",
    "<svg><a xlink:href='https://x.test/10' href=\"https://x.test/11\"/>t</svg>",
    "<svg viewBox='0 0 1 1'><![CDATA[ <a href='https://no.test'> > ]]><path d=x /></svg>",
    "<math><mi><a href=https://x.test/12>t</a></mi></math>",
    "<svg/>",
    "<select><option><a href=https://x.test/13></select>",
    "<template><a href=https://x.test/14></template>",
    "<noscript><a href=https://x.test/15></noscript>",
    "<title><a href=https://no.test></title >",
    "<textarea><a href=https://no.test></textareas></TEXTAREA\n>",
    "<style>a { content: '<a href=https://no.test>' }</style/>",
    "<script>if (a<b) '<a href=https://no.test>'</script>",
    "<script><!-- <script><a href=https://no.test></script> <a href=https://no.test> --></script>",
    "<script><!--></script>",
    "<script><!-- <script> --></script>",
    "<xmp><a href=https://no.test></xmp>",
    "<iframe><a href=https://no.test></iframe>",
    "<noembed><a href=https://no.test></noembed>",
    "<noframes><a href=https://no.test></noframes>",
    "<!-- <a href=https://no.test> -->",
    "<!--><!---><!----><!-- --!><!--<!-->",
    "<!-- --!-- --!- -- ->-->",
    "<!doctype html SYSTEM \"a>b\"><?xml version='1.0'?></><//a href=x><! a>",
    "<![CDATA[ <a href=https://x.test/16> ]]>",
    "<table><tr><td>",
    "</td></tr></table>",
    "<p><b><div></p>",
    "</a>",
    "</body></html>",
    "<html><head><body>",
    "text & < 5 > 3 \U0001f600 é\r\n",
]
#: Pieces of constructs; most of what they make together is wrong.
FRAGMENTS = [
    "<a ", "<A\n", "<a/", "<area\t", "</a ", "<b ", "<", ">", "/>", "</", "<!--", "-->", "--!>", "->", "-", "!",
    "<!", "<?", '"', "'", "=", "/", " ", "\n", "\f", "\r\n", "\t", "href", "HREF=", " href=", ' href="', " href='",
    " href = ", "https://x.test/a", "http:", "https://x.test/?a=1&b=2", "&amp", "&amp;", "&#x41;", "&#0;", "&#128;",
    "&#55296;", "&#9999999999;", "&copy", "&notin;", "&nosuch;", "&#", "&#x", "]]>", "<![CDATA[", "\0", "`", "x",
    "<title", "</title", "<script", "</script", "<style>", "</style>", "<textarea>", "</textarea>", "é",
]  # fmt: skip
#: What only the product reads as markup, and its own mark.
OUTLOOK_ONLY = [
    "<!--[if mso]><v:rect href='https://x.test/20'><![endif]-->",
    "<!--[if mso]>",
    "<![endif]-->",
    "<!--[if !mso]><!--> <a href=https://x.test/21> <!--<![endif]-->",
    "<![if !mso]><a href=https://x.test/22><![endif]>",
    "<div data-engagement=off>",
    "<p data-engagement='OFF'>",
    "</div>",
    "<svg>",
    "</svg>",
]
