// Makes a bridge/devices list of every device definition of the npm package
// zigbee-herdsman-converters, as Zigbee2MQTT would publish it. Written for Node 20:
//   node z2m-corpus.cjs FOLDER_OF_NODE_MODULES OUT.json.gz
"use strict";
const {createRequire} = require("node:module");
const {gzipSync} = require("node:zlib");
const fs = require("node:fs");
const path = require("node:path");

const [, , folder, out] = process.argv;
const load = createRequire(path.join(path.resolve(folder), "index.js"));
const {prepareDefinition, setLogger} = load("zigbee-herdsman-converters");
const quality = {name: "linkquality", label: "Linkquality", access: 1, type: "numeric", property: "linkquality", category: "diagnostic", unit: "lqi", value_min: 0, value_max: 255};
const quiet = () => {};
setLogger({debug: quiet, info: quiet, warning: quiet, error: quiet});

const devices = [];
let failed = 0;
for (const plain of load("zigbee-herdsman-converters/devices/index").default) {
    try {
        const d = prepareDefinition(plain);
        const exposes = typeof d.exposes === "function" ? d.exposes({isDummyDevice: true}, {}) : d.exposes;
        const whole = exposes.some((e) => e.name === "linkquality") ? exposes : [...exposes, quality]; // as Zigbee2MQTT adds it
        const address = "0x" + (0x00158d0000000000n + BigInt(devices.length)).toString(16).padStart(16, "0");
        devices.push({ieee_address: address, friendly_name: address, type: "EndDevice", supported: true, disabled: false,
            model_id: (d.zigbeeModel ?? [d.model])[0], manufacturer: d.vendor, interview_state: "SUCCESSFUL",
            definition: {source: "native", model: d.model, vendor: d.vendor, description: d.description, exposes: whole, options: [], supports_ota: false}});
    } catch (error) {
        failed++;
        console.error(`${plain.vendor} ${plain.model}: ${error.message}`);
    }
}
fs.writeFileSync(out, gzipSync(JSON.stringify(devices)));
console.log(`${out}: ${devices.length} devices, ${failed} that could not be made`);
process.exit(failed > 0 ? 1 : 0);
