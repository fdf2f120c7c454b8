#pragma once
/// Products of dense double matrices and vectors, compiled once (dense_products.cpp): every file that multiplies two
/// matrices would otherwise compile their kernels again. Part of the precompiled headers.
#include <Eigen/Core>

#ifndef FORTET_DENSE_PRODUCTS
#define FORTET_DENSE_PRODUCTS extern template
#endif

namespace Eigen::internal {

using FortetKernel = gebp_traits<double, double>;
template <int order>
using FortetSource = const_blas_data_mapper<double, Index, order>;
using FortetResult = blas_data_mapper<double, Index, ColMajor, Unaligned, 1>;

FORTET_DENSE_PRODUCTS struct gebp_kernel<double, double, Index, FortetResult, FortetKernel::mr, FortetKernel::nr, false,
                                         false>;
FORTET_DENSE_PRODUCTS struct gemm_pack_lhs<double, Index, FortetSource<ColMajor>, FortetKernel::mr,
                                           FortetKernel::LhsProgress, FortetKernel::LhsPacket4Packing, ColMajor>;
FORTET_DENSE_PRODUCTS struct gemm_pack_lhs<double, Index, FortetSource<RowMajor>, FortetKernel::mr,
                                           FortetKernel::LhsProgress, FortetKernel::LhsPacket4Packing, RowMajor>;
FORTET_DENSE_PRODUCTS struct gemm_pack_rhs<double, Index, FortetSource<ColMajor>, FortetKernel::nr, ColMajor>;
FORTET_DENSE_PRODUCTS struct gemm_pack_rhs<double, Index, FortetSource<RowMajor>, FortetKernel::nr, RowMajor>;

FORTET_DENSE_PRODUCTS struct general_matrix_vector_product<Index, double, FortetSource<ColMajor>, ColMajor, false,
                                                           double, FortetSource<RowMajor>, false>;
FORTET_DENSE_PRODUCTS struct general_matrix_vector_product<Index, double, FortetSource<ColMajor>, ColMajor, false,
                                                           double, FortetSource<ColMajor>, false>;
FORTET_DENSE_PRODUCTS struct general_matrix_vector_product<Index, double, FortetSource<RowMajor>, RowMajor, false,
                                                           double, FortetSource<ColMajor>, false>;
FORTET_DENSE_PRODUCTS struct general_matrix_vector_product<Index, double, FortetSource<RowMajor>, RowMajor, false,
                                                           double, FortetSource<RowMajor>, false>;

}  // namespace Eigen::internal
