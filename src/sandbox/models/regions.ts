/** Azure's regions by their display names: https://learn.microsoft.com/azure/reliability/regions-list */
const regions = [
  "Australia Central",
  "Australia East",
  "Australia Southeast",
  "Austria East",
  "Brazil South",
  "Canada Central",
  "Canada East",
  "Central India",
  "Central US",
  "Chile Central",
  "East Asia",
  "East US",
  "East US 2",
  "France Central",
  "Germany West Central",
  "Indonesia Central",
  "Israel Central",
  "Italy North",
  "Japan East",
  "Japan West",
  "Korea Central",
  "Korea South",
  "Malaysia West",
  "Mexico Central",
  "New Zealand North",
  "North Central US",
  "North Europe",
  "Norway East",
  "Poland Central",
  "Qatar Central",
  "South Africa North",
  "South Central US",
  "South India",
  "Southeast Asia",
  "Spain Central",
  "Sweden Central",
  "Switzerland North",
  "UAE North",
  "UK South",
  "UK West",
  "West Central US",
  "West Europe",
  "West India",
  "West US",
  "West US 2",
  "West US 3",
];

const spelled = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/** Long names first, so that `East US 2` is not taken for `East US`. */
const byLength = [...regions].sort((a, b) => b.length - a.length).map((name) => [name, spelled(name)] as const);

/** The region that a text names, in any spelling (`Azure OpenAI East US`, `aoai-eastus`); undefined where it names none. */
export const regionIn = (text: string): string | undefined => byLength.find(([, name]) => spelled(text).includes(name))?.[0];

/** The region of exactly this name, in any spelling (`East US`, `eastus`); undefined where there is none. */
export const regionNamed = (text: string): string | undefined => byLength.find(([, name]) => spelled(text) === name)?.[0];
