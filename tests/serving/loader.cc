// Loads a SavedModel with the loader that TF Serving uses, runs both of its
// signatures and prints the probabilities.
//
//   loader DIRECTORY IMAGES HEIGHT WIDTH CHANNELS FILE...
//
// IMAGES is a file of float32 pixels; each FILE is an encoded image.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/public/session_options.h"

namespace tf = tensorflow;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int Fail(const tf::Status& status) {
  std::cerr << status.ToString() << std::endl;
  return 1;
}

tf::Status Run(const tf::SavedModelBundle& bundle, const std::string& name,
               const std::string& input, const tf::Tensor& value) {
  const auto& signature = bundle.GetSignatures().at(name);
  std::vector<tf::Tensor> outputs;
  tf::Status status = bundle.GetSession()->Run(
      {{signature.inputs().at(input).name(), value}},
      {signature.outputs().at("probabilities").name(),
       signature.outputs().at("label").name()},
      {}, &outputs);
  if (!status.ok()) return status;
  const auto probabilities = outputs[0].matrix<float>();
  std::cout.precision(9);
  for (int row = 0; row < probabilities.dimension(0); ++row) {
    std::cout << name << " " << outputs[1].vec<tf::tstring>()(row);
    for (int k = 0; k < probabilities.dimension(1); ++k)
      std::cout << " " << probabilities(row, k);
    std::cout << std::endl;
  }
  return status;
}

int main(int argc, char** argv) {
  tf::SavedModelBundle bundle;
  tf::Status status =
      tf::LoadSavedModel(tf::SessionOptions(), tf::RunOptions(), argv[1],
                         {"serve"}, &bundle);
  if (!status.ok()) return Fail(status);

  const std::string pixels = Read(argv[2]);
  const int height = std::stoi(argv[3]), width = std::stoi(argv[4]),
            channels = std::stoi(argv[5]);
  const int count = pixels.size() / (sizeof(float) * height * width * channels);
  tf::Tensor images(tf::DT_FLOAT, {count, height, width, channels});
  std::copy_n(reinterpret_cast<const float*>(pixels.data()),
              images.NumElements(), images.flat<float>().data());
  status = Run(bundle, "serving_default", "images", images);
  if (!status.ok()) return Fail(status);

  tf::Tensor contents(tf::DT_STRING, {argc - 6});
  for (int i = 6; i < argc; ++i)
    contents.vec<tf::tstring>()(i - 6) = Read(argv[i]);
  status = Run(bundle, "serving_bytes", "image_bytes", contents);
  return status.ok() ? 0 : Fail(status);
}
