// What a compiled kernel asks of torch at run time, so that it needs no library of torch's: those
// take 110 MB, and those of a CUDA build load some of CUDA's on machines that have no GPU.
//
// The functions are those of torch/csrc/inductor/aoti_torch/c/shim.h that a kernel of float32 on
// the CPU refers to, with the meaning that they have there. One that is missing here shows when
// the kernel is loaded. A result of 0 is success.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

// Bound to these functions even where torch is loaded as well.
#define MEL extern "C" __attribute__((visibility("protected")))

namespace {

constexpr int64_t kItemBytes = 4, kAlignment = 64;
constexpr int32_t kFloat32 = 6, kCpu = 0, kCuda = 1, kStrided = 0;

struct Tensor {
  std::shared_ptr<char> storage;
  std::vector<int64_t> sizes, strides;
  int64_t offset;
};

// How many bytes of the storage the tensor reaches.
int64_t reach(const Tensor& tensor) {
  int64_t last = tensor.offset;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    if (tensor.sizes[i] == 0) return 0;
    last += (tensor.sizes[i] - 1) * tensor.strides[i];
  }
  return (last + 1) * kItemBytes;
}

int32_t make(std::shared_ptr<char> storage, int64_t ndim, const int64_t* sizes,
             const int64_t* strides, int64_t offset, Tensor** made) {
  *made = new (std::nothrow)
      Tensor{std::move(storage), {sizes, sizes + ndim}, {strides, strides + ndim}, offset};
  return *made == nullptr;
}

std::shared_ptr<char> borrowed(void* data) {
  return {static_cast<char*>(data), [](char*) {}};
}

}  // namespace

MEL int32_t aoti_torch_dtype_float32() { return kFloat32; }
MEL int32_t aoti_torch_device_type_cpu() { return kCpu; }
MEL int32_t aoti_torch_device_type_cuda() { return kCuda; }
MEL int32_t aoti_torch_layout_strided() { return kStrided; }

// There are no gradients.
MEL bool aoti_torch_grad_mode_is_enabled() { return false; }
MEL void aoti_torch_grad_mode_set_enabled(bool) {}

MEL int32_t aoti_torch_create_tensor_from_blob(void* data, int64_t ndim, const int64_t* sizes,
                                               const int64_t* strides, int64_t offset, int32_t,
                                               int32_t, int32_t, Tensor** made) {
  return make(borrowed(data), ndim, sizes, strides, offset, made);
}

MEL int32_t aoti_torch_create_tensor_from_blob_v2(void* data, int64_t ndim, const int64_t* sizes,
                                                  const int64_t* strides, int64_t offset, int32_t,
                                                  int32_t, int32_t, Tensor** made, int32_t,
                                                  const uint8_t*, int64_t) {
  return make(borrowed(data), ndim, sizes, strides, offset, made);
}

MEL int32_t aoti_torch_empty_strided(int64_t ndim, const int64_t* sizes, const int64_t* strides,
                                     int32_t, int32_t, int32_t, Tensor** made) {
  if (make(nullptr, ndim, sizes, strides, 0, made)) return 1;
  const int64_t bytes = (reach(**made) / kAlignment + 1) * kAlignment;
  char* memory = static_cast<char*>(std::aligned_alloc(kAlignment, bytes));
  if (memory == nullptr) {
    delete *made;
    return 1;
  }
  (*made)->storage = {memory, std::free};
  return 0;
}

MEL int32_t aoti_torch__reinterpret_tensor(Tensor* tensor, int64_t ndim, const int64_t* sizes,
                                           const int64_t* strides, int64_t further,
                                           Tensor** made) {
  return make(tensor->storage, ndim, sizes, strides, tensor->offset + further, made);
}

MEL int32_t aoti_torch_new_tensor_handle(Tensor* tensor, Tensor** made) {
  *made = new (std::nothrow) Tensor(*tensor);
  return *made == nullptr;
}

MEL int32_t aoti_torch_delete_tensor_object(Tensor* tensor) {
  delete tensor;
  return 0;
}

// Only an exchange of the kernel's constants would call it.
MEL int32_t aoti_torch_clone(Tensor*, Tensor**) { return 1; }

MEL int32_t aoti_torch_get_data_ptr(Tensor* tensor, void** got) {
  *got = tensor->storage.get() + tensor->offset * kItemBytes;
  return 0;
}

MEL int32_t aoti_torch_get_storage_size(Tensor* tensor, int64_t* got) {
  *got = reach(*tensor);
  return 0;
}

MEL int32_t aoti_torch_get_storage_offset(Tensor* tensor, int64_t* got) {
  *got = tensor->offset;
  return 0;
}

MEL int32_t aoti_torch_get_dim(Tensor* tensor, int64_t* got) {
  *got = static_cast<int64_t>(tensor->sizes.size());
  return 0;
}

MEL int32_t aoti_torch_get_numel(Tensor* tensor, int64_t* got) {
  *got = 1;
  for (int64_t size : tensor->sizes) *got *= size;
  return 0;
}

MEL int32_t aoti_torch_get_sizes(Tensor* tensor, int64_t** got) {
  *got = tensor->sizes.data();
  return 0;
}

MEL int32_t aoti_torch_get_strides(Tensor* tensor, int64_t** got) {
  *got = tensor->strides.data();
  return 0;
}

MEL int32_t aoti_torch_get_dtype(Tensor*, int32_t* got) {
  *got = kFloat32;
  return 0;
}

MEL int32_t aoti_torch_get_device_type(Tensor*, int32_t* got) {
  *got = kCpu;
  return 0;
}
