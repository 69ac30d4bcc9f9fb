// What users of comfyui-deploy have their programs do, with the packages that they have: each flow
// is run against comfyd, and what came of it is written as JSON.

import assert from "node:assert/strict";
import axios from "axios";
import { ComfyDeployClient } from "comfydeploy";
import { ComfyDeploy } from "comfydeploy-2";

const { API, TOKEN, DEPLOYMENT, WORKFLOW, PICTURES, PICTURE, GRAPH, NAME } = process.env;

const npm = new ComfyDeployClient({ apiBase: API, apiToken: TOKEN });
const npm2 = new ComfyDeploy({ bearer: TOKEN, serverURL: `${API}/api` });
const http = axios.create({
  baseURL: `${API}/api`,
  headers: { Authorization: `Bearer ${TOKEN}` },
  validateStatus: () => true,
});
const graph = JSON.parse(GRAPH);
const picture = Buffer.from(PICTURE, "base64");
const pause = () => new Promise((done) => setTimeout(done, 100));

async function ended(runId) {
  for (let n = 0; n < 300; n++) {
    const { data } = await http.get(`/status/${runId}`);
    if (["success", "failed"].includes(data.status)) return data;
    await pause();
  }
  throw new Error(`${runId} has not ended`);
}

async function successful(runId) {
  const status = await ended(runId);
  assert.equal(status.status, "success", status.error);
  return status;
}

const flows = {
  "npm comfydeploy 0.0.19": {
    "`run`, then `getRun` until it has ended": async () => {
      const { run_id } = await npm.run({ deployment_id: DEPLOYMENT, inputs: { colour: "7" } });
      await successful(run_id);
      const run = await npm.getRun(run_id);
      assert.equal(run.status, "success");
      assert.match(run.outputs[0].data.images[0].url, /^http/);
      assert.equal(run.progress, 1);
    },
    "`getRun` while the run is open": async () => {
      const { run_id } = await npm.run({ deployment_id: DEPLOYMENT, inputs: { colour: "8" } });
      const run = await npm.getRun(run_id);
      assert.equal(run.id, run_id);
      await successful(run_id);
    },
    "`runSync`": async () => {
      const run = await npm.runSync({ deployment_id: DEPLOYMENT, inputs: { colour: "9" } });
      assert.equal(run.status, "success");
    },
    "`getUploadUrl`, `PUT`, `run` with its address": async () => {
      const found = await npm.getUploadUrl("image/png", picture.length);
      const put = await axios.put(found.upload_url, picture, {
        headers: { "Content-Type": "image/png" },
      });
      assert.equal(put.status, 200);
      const inputs = { picture: found.download_url };
      const { run_id } = await npm.run({ deployment_id: PICTURES, inputs });
      await successful(run_id);
    },
    "`run` of a deployment that is not there: null, as ever": async () => {
      const run = await npm.run({ deployment_id: "00000000-0000-4000-8000-00000000dead" });
      assert.equal(run, null);
    },
  },
  // It is made for the hosted service: most of its routes are not here.
  "npm comfydeploy 2.0.0-beta.69": {
    "`deployments.list`": async () => {
      const rows = await npm2.deployments.list({ environment: "production" });
      assert.equal(rows.find((row) => row.id === DEPLOYMENT).workflowId, WORKFLOW);
    },
    "`run.deployment.queue`": () => npm2.run.deployment.queue({ deploymentId: DEPLOYMENT }),
    "`run.get`": async () => {
      const { run_id } = await npm.run({ deployment_id: DEPLOYMENT, inputs: { colour: "10" } });
      await successful(run_id);
      await npm2.run.get({ runId: run_id });
    },
    "`file.upload`": () => npm2.file.upload({ file: new Blob([picture]) }),
  },
  "axios 1.21.1": {
    "an image as base64": async () => {
      const inputs = { picture: `data:image/png;base64,${PICTURE}` };
      const { data } = await http.post("/run", { deployment_id: PICTURES, inputs });
      await successful(data.run_id);
    },
    "the Figma plugin: presigned upload, create-run, poll, image with thumbnail, clean-up": async () => {
      const { data: put } = await http.post("/get-presigned-upload-url", { fileType: "image/png" });
      await axios.put(put.presignedUrl, picture, { headers: { "Content-Type": put.fileType } });
      const { data: workflow } = await http.get("/deployments");
      const pictures = workflow.find((row) => row.id === PICTURES);
      const body = { workflow_id: pictures.workflow_id, inputs: { picture: put.cdnUrl } };
      const { data: made } = await http.post("/create-run", body);
      const status = await successful(made.run_id);
      const image = await axios.get(status.images[0].url, { responseType: "arraybuffer" });
      assert.ok(image.data.byteLength > 0);
      assert.match(status.images[0].thumbnail_url, /^http/);
      // Nothing after this sends the picture again: one that is being erased is refused for moments.
      const clean = { run_id: made.run_id, delay_seconds: 0 };
      const { data: cleaned } = await http.post("/cleanup-run-data", clean);
      assert.equal(cleaned.success, true);
      assert.deepEqual((await ended(made.run_id)).images, status.images);
    },
    "the older browser plugin: upload, read the version again": async () => {
      const { status, data } = await http.post("/workflow", {
        workflow_name: NAME,
        workflow_id: "",
        workflow: { nodes: [], links: [] },
        workflow_api: graph,
        snapshot: { comfyui: "abc", git_custom_nodes: {}, file_custom_nodes: [] },
        dependencies: { models: {} },
      });
      assert.deepEqual([status, data.version], [200, 1]);
      const { data: workflow } = await http.get(`/workflow/${data.workflow_id}`);
      assert.deepEqual(workflow.dependencies.models, {});
      const { data: version } = await http.get(`/workflow-version/${workflow.versions[0].id}`);
      assert.deepEqual(version.workflow_api, graph);
    },
    "the newer plugin's proxies: workflows, versions, a version with a comment": async () => {
      const text = JSON.stringify(graph);
      const body = { name: `${NAME} 2`, workflow_json: '{"nodes":[]}', workflow_api: text };
      const { data } = await http.post("/workflow", body);
      const path = `/workflow/${data.workflow_id}`;
      const more = { workflow: { nodes: [], extra: {} }, workflow_api: graph, comment: "again" };
      assert.equal((await http.post(`${path}/version`, more)).data.version, 2);
      const { data: versions } = await http.get(`${path}/versions?search=&limit=20&offset=0`);
      assert.deepEqual(versions.map((row) => row.version), [2, 1]);
      assert.equal((await http.get(`${path}/version/2`)).data.comment, "again");
      assert.ok(Array.isArray((await http.get("/workflows?limit=5&offset=0")).data));
    },
    "deployments and their machine as rows": async () => {
      const { data: rows } = await http.get("/deployments");
      const row = rows.find((one) => one.id === DEPLOYMENT);
      assert.equal(row.workflow.id, WORKFLOW);
      assert.equal((await http.get(`/machine/${row.machine_id}`)).data.name, row.machine.name);
      assert.equal("auth_token" in row.machine, false);
    },
    "errors in their shapes": async () => {
      const none = await axios.get(`${API}/api/run?run_id=x`, { validateStatus: () => true });
      assert.deepEqual([none.status, none.data], [401, "Invalid or expired token"]);
      const body = { deployment_id: DEPLOYMENT, inputs: { colour: "red" } };
      const wrong = await http.post("/run", body);
      assert.deepEqual([wrong.status, wrong.data.error.name], [400, "ZodError"]);
      const lost = await http.get("/status/00000000-0000-4000-8000-00000000dead");
      assert.deepEqual([lost.status, lost.data], [404, { error: "Run not found" }]);
    },
  },
};

const results = [];
for (const [client, checks] of Object.entries(flows)) {
  for (const [what, check] of Object.entries(checks)) {
    try {
      await check();
      results.push({ client, what, failure: "" });
    } catch (error) {
      results.push({ client, what, failure: String(error.stack ?? error) });
    }
  }
}
process.stdout.write(JSON.stringify(results));
