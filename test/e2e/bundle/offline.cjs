// Preloaded into the process under test: whoever reaches for the network fails.
const net = require("node:net");
const dns = require("node:dns");

const refuse = () => {
  throw new Error("this process is to work without network");
};
net.Socket.prototype.connect = refuse;
dns.lookup = refuse;
globalThis.fetch = refuse;
