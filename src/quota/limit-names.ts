import { attribute, type Element } from "../policy/document.ts";
import type { LimitKind } from "./limit.ts";

/**
 * What a limit is called: the document, the kind, which one of that kind it is there, and a mark of what makes it that limit, e.g.
 * `products/aoai#tpm/2.k3f9`. The mark is of the element's name, its key and the conditions around it, not of its number: behind an edit of the
 * document another limit may stand at that place, and does not answer to the name.
 */
export function limitIdOf(owner: string, kind: LimitKind, count: number, element: Element): string {
  const parts = [element.name, attribute(element, "counter-key") ?? ""];
  for (let { parent } = element; parent !== null; parent = parent.parent) {
    if (parent.name === "when") parts.push(attribute(parent, "condition") ?? "");
    if (parent.name === "otherwise") parts.push("otherwise");
    if (parent.name === "api") parts.push(attribute(parent, "id") ?? attribute(parent, "name") ?? "");
  }
  if (element.name === "api" || element.name === "operation") parts.push(attribute(element, "id") ?? attribute(element, "name") ?? "");
  return `${owner}#${kind}/${count}.${markOf(parts.map((part) => part.replace(/\s+/g, " ").trim()).join("\n"))}`;
}

const markLength = 4;

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): short and the same everywhere; nobody is to be kept from guessing it. */
function markOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(36).padStart(markLength, "0").slice(-markLength);
}
