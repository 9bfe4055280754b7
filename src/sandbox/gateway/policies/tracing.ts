import type { PolicyHandlers } from "../policy.ts";

/** https://learn.microsoft.com/azure/api-management/trace-policy */
export const tracingPolicies: PolicyHandlers = {
  async trace(node, call) {
    const metadata = new Map<string, string>();
    let message = "";
    for (const child of node.children) {
      if (child.name === "message") message = await call.content(child);
      if (child.name === "metadata") metadata.set(await call.text(child, "name"), await call.text(child, "value"));
    }
    const [source, severity] = [await call.text(node, "source"), await call.text(node, "severity", "verbose")];
    call.record.traces.push({ source, severity, message, metadata });
    return "next";
  },
};
