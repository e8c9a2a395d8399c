// Writes the card of a trained model to stdout. Usage: node scripts/model-card.mjs NAME FOLDER
// FOLDER holds what `kernelscope train` wrote (model.onnx, training.json) and test.json of `kernelscope predict --json`.
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';

const [name, folder] = process.argv.slice(2);
const about = {
  'pink-fusarium': {
    title: 'Pink fusarium against healthy kernels',
    intended_use: 'Tells rendered wheat and barley kernels with pink Fusarium mould from healthy ones: a classifier to explain, ' +
        'with exact masks of what it should have looked at.',
  },
  'skinned': {
    title: 'Skinned against healthy kernels',
    intended_use: 'Tells rendered wheat and barley kernels with peeled-off hull or bran from healthy ones: a classifier to ' +
        'explain, with exact masks of what it should have looked at.',
  },
}[name];
if (!about || !folder) {
  console.error('usage: node scripts/model-card.mjs pink-fusarium|skinned FOLDER');
  process.exit(2);
}

// Settings are kept in single precision: 0.8999999761581421 is 0.9.
const short = (key, value) => typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
const read = file => JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'));
const model = readFileSync(`${folder}/model.onnx`);
const sha256 = createHash('sha256').update(model).digest('hex');
const {training, best_epoch, epochs} = read('training.json');
const test = read('test.json');
if (test.sha256 !== sha256) throw new Error(`${folder}/test.json is of another model`);
const {data, ...settings} = training;
const best = epochs[best_epoch - 1];

console.log(JSON.stringify({
  name,
  title: about.title,
  file: `${name}.onnx`,
  bytes: model.length,
  sha256,
  licence: 'Apache-2.0',
  architecture: {...settings.architecture, input: [3, 224, 224], after: 'Tětková et al., PLOS ONE 2025, Fig 9'},
  classes: Object.keys(test.confusion),
  intended_use: about.intended_use,
  limits: [
    'Trained on rendered pictures alone; accuracy on photographs is not known and should be expected to be lower.',
    'One kernel a picture, whole and in focus, on a plain background; not for grading grain.',
  ],
  training: {
    ...settings,
    data,
    best_epoch,
    validation: {accuracy: best.validation_accuracy, loss: best.validation_loss},
  },
  test: {
    data: test.data,
    split: test.split,
    images: test.images,
    accuracy: test.accuracy,
    loss: test.loss,
    confusion: test.confusion,  // true class, then predicted class
  },
  recipe: `scripts/train-models ${name}`,
}, short, 2));
