/** What Foundry's portal writes: a product's policy sets a variable for each deployment, and every API's policy has the limits that read them. */

export const setVariable = (name: string, value: string): string => `<set-variable name="${name}" value="${value}" />`;

const deployment = "(string)context.Request.Foundry.Deployment";
const variable = (name: string) => `(string)context.Variables["${name}"]`;
const isSet = (name: string) => `context.Variables.ContainsKey(${variable(name)})`;
const read = (name: string) => `((string)context.Variables[${variable(name)}])`;

const periods = ["Hourly", "Daily", "Weekly", "Monthly"];

function limit(has: { readonly tpm: boolean; readonly quota: string | null }): string {
  const tpm = has.tpm ? ` tokens-per-minute="@(int.Parse((context.Variables["tokenLimitValue"] as string) ?? "0"))"` : "";
  const quota =
    has.quota === null
      ? ""
      : ` token-quota="@(long.Parse((context.Variables["tokenQuotaValue"] as string) ?? "0"))" token-quota-period="${has.quota}"`;
  return `<llm-token-limit counter-key="@(${variable("counterKey")})"${tpm}${quota} estimate-prompt-tokens="false" />`;
}

const byPeriod = (tpm: boolean): string =>
  `<choose>
    ${periods.map((period) => `<when condition="@((${variable("tokenQuotaPeriod")}) == "${period}")">${limit({ tpm, quota: period })}</when>`).join("\n    ")}
    <otherwise>${limit({ tpm, quota: "Yearly" })}</otherwise>
</choose>`;

/** Eleven limits, of which a call meets at most one. */
export const foundryEngine = `<choose>
    <when condition="@(context.Variables.ContainsKey("tokenlimit-" + ${deployment}) || context.Variables.ContainsKey("tokenquota-" + ${deployment}))">
        <set-variable name="deploymentName" value="@(${deployment})" />
        <set-variable name="counterKey" value="@("product/" + context.Product?.Id + "/deployment/" + ${variable("deploymentName")})" />
        <set-variable name="limitVariableName" value="@("tokenlimit-" + ${variable("deploymentName")})" />
        <set-variable name="quotaVariableName" value="@("tokenquota-" + ${variable("deploymentName")})" />
        <set-variable name="tokenLimitValue" value="@(${isSet("limitVariableName")} ? ${read("limitVariableName")} : null)" />
        <set-variable name="tokenQuotaValue" value="@(${isSet("quotaVariableName")} ? ${read("quotaVariableName")}.Split('|')[0] : null)" />
        <set-variable name="tokenQuotaPeriod" value="@(${isSet("quotaVariableName")} ? (${read("quotaVariableName")}.Split('|').Length > 1 ? ${read("quotaVariableName")}.Split('|')[1] : null) : null)" />
        <choose>
            <when condition="@(${isSet("limitVariableName")} && ${isSet("quotaVariableName")})">
                ${byPeriod(true)}
            </when>
            <when condition="@(${isSet("limitVariableName")})">
                ${limit({ tpm: true, quota: null })}
            </when>
            <otherwise>
                ${byPeriod(false)}
            </otherwise>
        </choose>
    </when>
    <otherwise />
</choose>`;
