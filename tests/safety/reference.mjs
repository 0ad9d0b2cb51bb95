// What TensorFlow.js itself says about the pictures of pictures.py, for reference.json:
//   npm install nsfwjs @tensorflow/tfjs buffer
//   node reference.mjs FOLDER > reference.json
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// From the folder it is called in, which is where npm has installed them.
const require = createRequire(join(process.cwd(), "package.json"));
const tf = require("@tensorflow/tfjs");
const { load } = require("nsfwjs/core");
const { MobileNetV2Model } = require("nsfwjs/models/mobilenet_v2");

const SIDE_PX = 224;
console.info = console.error; // nsfwjs greets on the channel that the answer goes to
const folder = process.argv[2];
const classifier = await load("MobileNetV2", { modelDefinitions: [MobileNetV2Model] });
const shares = {};
for (const file of readdirSync(folder).filter((name) => name.endsWith(".rgb")).sort()) {
  const pixels = tf.tensor3d(new Uint8Array(readFileSync(join(folder, file))), [SIDE_PX, SIDE_PX, 3], "int32");
  shares[file.slice(0, -".rgb".length)] = Array.from(await classifier.infer(pixels).data());
}
process.stdout.write(JSON.stringify(shares, null, 2) + "\n");
