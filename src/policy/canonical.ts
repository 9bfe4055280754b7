import { type Element, type Node, type PolicyDocument, parse, type Value } from "./document.ts";

/**
 * A form of a policy that is equal for two texts that APIM's reformatting makes of one another: line endings, indentation (text nodes of
 * nothing but white space), the spelling of tags, quotes and entities. Comments, attribute order and everything else count. A text that
 * is not well-formed stands for itself, but for its line endings.
 */
export function canonical(source: string): string {
  const document = parse(source);
  if (document.problems.length > 0) return withLineFeeds(source);
  const lines: string[] = [];
  const pending: (Node | string)[] = document.nodes.toReversed();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next === "string") lines.push(next);
    else if (next.type === "element") {
      lines.push(openTag(next));
      pending.push(`</${next.name}>`);
      for (const child of next.children.toReversed()) pending.push(child);
    } else {
      const content = leafContent(document, next);
      if (content !== "") lines.push(content);
    }
  }
  return lines.join("\n");
}

function openTag(element: Element): string {
  return `<${[element.name, ...element.attributes.map(({ name, value }) => `${name}="${valueContent(value)}"`)].join(" ")}>`;
}

function leafContent(document: PolicyDocument, node: Exclude<Node, Element>): string {
  if (node.type === "text") return node.value.raw.replace(/^\uFEFF/, "").trim() === "" ? "" : valueContent(node.value);
  const text = withLineFeeds(document.source.slice(node.span.start, node.span.end));
  // Assumed: the service may drop the XML declaration, which says nothing about the policy.
  return node.type === "instruction" && /^<\?xml[\s?]/.test(text) ? "" : text;
}

function valueContent(value: Value): string {
  return withLineFeeds(value.text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function withLineFeeds(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
