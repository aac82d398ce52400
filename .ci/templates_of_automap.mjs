// Writes each chat template of @huggingface/ollama-utils' list to a directory of its own:
//   node templates_of_automap.mjs chat-template-automap.ts FOLDER
import fs from "node:fs";
import path from "node:path";

const [, , listing, folder] = process.argv;
const source = fs.readFileSync(listing, "utf8");
const begin = source.indexOf("= [") + 2;
const entries = Function(`"use strict"; return (${source.slice(begin).replace(/;\s*$/, "")});`)();
const seen = new Set();
for (const { model, gguf } of entries) {
  if (!gguf || seen.has(gguf)) continue;
  seen.add(gguf);
  const target = path.join(folder, `listed-${seen.size}-` + model.replace(/[^A-Za-z0-9.]+/g, "_"));
  fs.mkdirSync(target, { recursive: true });
  fs.writeFileSync(path.join(target, "chat_template.jinja"), gguf);
  fs.writeFileSync(path.join(target, "tokenizer_config.json"), JSON.stringify({ bos_token: "<s>", eos_token: "</s>" }));
}
console.log(`${seen.size} listed templates`);
