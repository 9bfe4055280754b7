import { BlockList, isIP } from "node:net";
import { type Call, PolicyError, type PolicyHandlers, type PolicyNode } from "../policy.ts";

/** Reasons and messages: https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies#predefined-errors-for-policies */
export const accessPolicies: PolicyHandlers = {
  async "check-header"(node, call) {
    const name = await call.text(node, "name");
    const given = call.request.headers.get(name);
    if (given === null)
      return await headerRefused(node, call, "HeaderNotFound", `Header ${name} was not found in the request. Access denied.`);
    const ignoresCase = await call.boolean(node, "ignore-case", false);
    const normal = (text: string): string => (ignoresCase ? text.toLowerCase() : text);
    const allowed: string[] = [];
    for (const child of node.children) allowed.push(normal(await call.content(child)));
    if (allowed.length === 0 || allowed.includes(normal(given))) return "next";
    return await headerRefused(node, call, "HeaderValueNotAllowed", `Header ${name} value of ${given} is not allowed. Access denied.`);
  },
  async "ip-filter"(node, call) {
    const address = call.context.request.ipAddress;
    const family = isIP(address);
    if (family === 0) throw forbidden(node, "FailedToParseCallerIP", "Failed to establish IP address for the caller. Access denied.");
    const listed = (await addressesIn(node, call)).check(address, family === 6 ? "ipv6" : "ipv4");
    const action = await call.text(node, "action");
    if (action === "forbid" && listed) throw forbidden(node, "CallerIpBlocked", "Caller IP address is blocked. Access denied.");
    if (action !== "forbid" && !listed) {
      throw forbidden(node, "CallerIpNotAllowed", `Caller IP address ${address} is not allowed. Access denied.`);
    }
    return "next";
  },
};

async function headerRefused(node: PolicyNode, call: Call, reason: string, message: string): Promise<never> {
  const status = await call.number(node, "failed-check-httpcode", 401);
  const shown = await call.text(node, "failed-check-error-message", message);
  throw new PolicyError({ source: node.name, reason, message }, { status, body: JSON.stringify({ statusCode: status, message: shown }) });
}

/** Assumed: the caller is told no more than that. */
const forbidden = (node: PolicyNode, reason: string, message: string): PolicyError =>
  new PolicyError({ source: node.name, reason, message }, { status: 403, body: JSON.stringify({ statusCode: 403, message: "Forbidden" }) });

async function addressesIn(node: PolicyNode, call: Call): Promise<BlockList> {
  const addresses = new BlockList();
  for (const child of node.children) {
    const isRange = child.name === "address-range";
    const from = (isRange ? await call.text(child, "from") : await call.content(child)).trim();
    const to = isRange ? (await call.text(child, "to")).trim() : from;
    const family = isIP(from);
    if (family === 0 || isIP(to) !== family) {
      throw new PolicyError({ source: node.name, reason: "", message: `'${from}' to '${to}' is no range of IP addresses.` });
    }
    addresses.addRange(from, to, family === 6 ? "ipv6" : "ipv4");
  }
  return addresses;
}
