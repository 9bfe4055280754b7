import { cors, inbound, jwt, metric, type RuleCase, request } from "./rule-case.ts";

export const structureCases: readonly RuleCase[] = [
  {
    code: "dimension-without-value",
    severity: "warning",
    wrong: inbound(metric('<dimension name="Team" />')),
    right: inbound(metric('<dimension name="Subscription ID" /><dimension name="@(context.Api.Id)" />')),
  },
  {
    code: "duplicate-dimension",
    wrong: inbound(metric('<dimension name="Team" value="a" /><dimension name="Team" value="b" />')),
    right: inbound(metric('<dimension name="Team" value="a" /><dimension name="team" value="b" />')),
    message: "Duplicate dimension 'Team'.",
  },
  {
    code: "incomplete-request",
    wrong: inbound(request("<set-method>GET</set-method>")),
    right: inbound(request("<set-url>https://a</set-url><set-method>GET</set-method>")),
  },
  {
    code: "incomplete-request",
    severity: "warning",
    wrong: inbound(request("<set-url>https://a</set-url>")),
    right: inbound('<send-one-way-request mode="copy"><set-url>https://a</set-url></send-one-way-request>'),
  },
  {
    code: "missing-child",
    wrong: inbound("<cors><allowed-methods><method>GET</method></allowed-methods></cors>"),
    right: inbound(cors),
    message: "The element 'cors' has incomplete content. List of possible elements expected: 'allowed-origins'.",
  },
  {
    code: "missing-child",
    wrong: inbound("<choose></choose>"),
    right: inbound("<choose>{{branches}}</choose>"),
    message: "The element 'choose' has incomplete content. List of possible elements expected: 'when'.",
  },
  {
    code: "missing-child",
    wrong: inbound('<ip-filter action="allow"></ip-filter>'),
    right: inbound('<ip-filter action="allow"><address>10.0.0.1</address></ip-filter>'),
    fix: "Add <address> or <address-range>.",
  },
  {
    code: "misplaced-base",
    severity: "warning",
    wrong: inbound("<choose><when condition='true'><base /></when></choose>"),
    right: inbound("<base /><choose><when condition='true'><set-body><base /></set-body></when></choose>"),
  },
  {
    code: "missing-text",
    wrong: inbound(request("<set-url>https://a</set-url><set-method> </set-method>")),
    right: inbound(request("<set-url><![CDATA[https://a]]></set-url><set-method>{{method}}</set-method>")),
    message: "The 'set-method' element is invalid",
  },
  {
    code: "repeated-base",
    severity: "warning",
    wrong: inbound("<base />\n<base />"),
    right: inbound("<base />"),
    line: 4,
  },
  {
    code: "repeated-policy",
    wrong: inbound("<rate-limit calls='1' renewal-period='60' />\n<rate-limit calls='2' renewal-period='60' />"),
    right: inbound(
      "<choose><when condition='true'><rate-limit calls='1' renewal-period='60' /></when><otherwise><rate-limit calls='2' renewal-period='60' /></otherwise></choose>",
    ),
    line: 4,
  },
  {
    code: "repeated-policy",
    severity: "warning",
    wrong: inbound(`${cors}<choose><when condition='true'>${cors}</when></choose>`),
    right: inbound(cors),
  },
  {
    code: "repeated-policy",
    severity: "warning",
    wrong: inbound("<cache-lookup-value key='k' variable-name='v' /><cache-lookup-value key='l' variable-name='w' />"),
    right:
      "<policies><inbound><cache-lookup-value key='k' variable-name='v' /></inbound><outbound><cache-lookup-value key='k' variable-name='v' /></outbound></policies>",
  },
  {
    code: "too-many-dimensions",
    severity: "warning",
    wrong: inbound(metric("abcdef".replace(/./g, '<dimension name="$&" value="v" />'))),
    right: inbound(metric(`${"abcde".replace(/./g, '<dimension name="$&" value="v" />')}<dimension name="API ID" />`)),
  },
  {
    code: "unexpected-child",
    wrong: inbound(`\n${jwt("<issuers />\n<audiences />")}`),
    right: inbound(jwt("<audiences /><issuers /><required-claims />")),
    line: 5,
    message: "The element 'validate-jwt' has invalid child element 'audiences'. List of possible elements expected: 'required-claims'.",
    fix: "Keep the order of <validate-jwt>: openid-config, issuer-signing-tokens, issuer-signing-keys, decryption-keys, audiences, issuers, required-claims.",
  },
  {
    code: "unexpected-child",
    wrong: '<policies>\n<set-variable name="a" value="b" />\n</policies>',
    right: inbound('<set-variable name="a" value="b" />'),
    line: 2,
    message:
      "The element 'policies' has invalid child element 'set-variable'. List of possible elements expected: 'inbound, backend, outbound, on-error'.",
    fix: "Put it into a section, e.g. <inbound>.",
  },
  { code: "unexpected-child", wrong: "<policies><inbound />\n<inbound /></policies>", right: "<policies><inbound /></policies>", line: 2 },
  {
    code: "unexpected-child",
    wrong: inbound("<choose><when condition='true' /><otherwise /><otherwise /></choose>"),
    right: inbound("<choose><when condition='true' /><when condition='false' /><otherwise /></choose>"),
    fix: "Keep one <otherwise>.",
  },
  {
    code: "unexpected-child",
    wrong: inbound("<set-variable name='a' value='b'><value /></set-variable>"),
    right: inbound("<set-variable name='a' value='b'>\n<!-- nothing -->\n</set-variable>"),
    message: "because the parent element's content model is empty.",
  },
  {
    code: "unexpected-child",
    wrong: inbound("<set-header name='a'><values>b</values></set-header>"),
    right: inbound("<set-header name='a'><value>b</value><value>@(1)</value></set-header>"),
    fix: "Did you mean <value>?",
  },
  {
    code: "unexpected-text",
    wrong: inbound('<set-header name="x">text</set-header>'),
    right: inbound('<set-header name="x">\n<value>text</value>\n</set-header>'),
    message: "The element 'set-header' cannot contain text. List of possible elements expected: 'value'.",
    fix: "Put it into <value>.",
  },
  {
    code: "unexpected-text",
    wrong: inbound("\n\n  set-variable"),
    right: inbound("<!-- set-variable -->"),
    line: 5,
    fix: "Remove 'set-variable', or put it into a comment.",
  },
  {
    code: "wait-in-retry",
    severity: "warning",
    wrong: inbound(
      "<retry condition='true' count='1' interval='1'><wait for='all'><choose><when condition='true' /></choose></wait></retry>",
    ),
    right: inbound("<wait for='all'><choose><when condition='true' /></choose></wait>"),
  },
];
